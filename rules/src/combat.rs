//! A combat: its state, and the one way that state changes.
//!
//! [`decide`] runs a command to its end or to the next question and says what came of it as a
//! [`Step`]; [`Combat::apply`] folds steps. Every change is a [`Fact`] in a step: folding applies
//! facts and runs no rule, so that the journal of an old release stays what it was. Nothing here
//! draws a face: they are handed in, and recorded in the step.

mod changes;
mod combatant;
mod command;
mod effects;
mod fact;
mod fold;
mod ground;
mod guard;
mod health;
mod ids;
mod manner;
mod named;
mod prompt;
mod refusal;
mod resolver;
mod roll;
mod running;
mod step;
mod ties;
mod view;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use changes::{Changes, ConditionAdded, DeathSaves, EconomyChange, HitPointsChange};
pub use combatant::{Cast, Combatant, CombatantKind, Economy, LairCount, Leap, NEUTRAL, Readied};
pub use command::{
    Actor, Awaited, CheckSense, Command, Happening, HelpWith, Input, Interaction, RolledFor, Shove,
    SkillAction,
};
pub use effects::Effects;
pub use fact::{Fact, Purpose};
pub use ground::Ground;
pub use guard::{DamagePart, Guard, Portion};
pub use health::{
    AtZero, DeathSave, Harm, HitPoints, Life, after_death_save, concentration_dc, damage,
    death_save, heal, temp_hp_options,
};
pub use ids::{CombatantId, EffectId, PromptId};
pub use manner::{Extra, Manner};
pub use prompt::{Answer, Choice, Prompt, Question};
pub use refusal::Refusal;
pub use resolver::LEGENDARY_RESISTANCE;
pub use roll::{Test, Tested, hits};
pub use running::{Covered, Effect, EndReason, Moment, Point};
pub use step::{READY, Rulebook, RulebookError, Step, decide};
pub use view::View;

use step::Resolution;

use crate::RuleSet;
use crate::space::Grid;

/// State of a combat. Cheap to clone: what is large is shared.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Combat {
    /// The table's rules, as of the combat's start.
    pub rules: Arc<RuleSet>,
    /// The map.
    pub grid: Arc<Grid>,
    /// How far it is.
    pub phase: Phase,
    /// From 1; 0 before the first.
    pub round: u32,
    /// Index in `order` of whose turn it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn: Option<usize>,
    /// Highest initiative first. Who left keeps the place, for the effects that count on it.
    pub order: Vec<CombatantId>,
    /// Who takes part.
    pub combatants: BTreeMap<CombatantId, Arc<Combatant>>,
    /// What runs on them.
    pub effects: Effects,
    /// Players who throw dice of their own and tell the faces.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub physical_dice: BTreeSet<Uuid>,
    /// What effects make of the map.
    #[serde(default, skip_serializing_if = "Ground::is_plain")]
    pub ground: Arc<Ground>,
    /// The name of the next effect.
    next_effect: u32,
    /// The name of the next question.
    next_prompt: u32,
    /// A command that waits for an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    resolution: Option<Box<Resolution>>,
}

/// How far a combat is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Combatants are put in place.
    Setup,
    /// Some have yet to roll.
    RollingInitiative,
    /// Turns are taken.
    Running,
    /// Over.
    Ended,
}

impl Combat {
    /// A combat nobody takes part in yet.
    pub fn new(rules: RuleSet, grid: Grid) -> Self {
        Self {
            rules: Arc::new(rules),
            grid: Arc::new(grid),
            phase: Phase::Setup,
            round: 0,
            turn: None,
            order: Vec::new(),
            combatants: BTreeMap::new(),
            effects: Effects::default(),
            physical_dice: BTreeSet::new(),
            ground: Arc::default(),
            next_effect: 0,
            next_prompt: 0,
            resolution: None,
        }
    }

    /// A combatant by name.
    pub fn combatant(&self, id: CombatantId) -> Option<&Combatant> {
        self.combatants.get(&id).map(Arc::as_ref)
    }

    /// Whose turn it is.
    pub fn active(&self) -> Option<CombatantId> {
        self.order.get(self.turn?).copied()
    }

    /// The question that has to be answered before anything else.
    pub fn prompt(&self) -> Option<&Prompt> {
        self.resolution.as_deref().map(|resolution| &resolution.prompt)
    }

    /// Effects on a creature, the oldest first.
    pub fn effects_on(&self, target: CombatantId) -> impl Iterator<Item = &Effect> {
        self.effects.on(target).iter().map(Arc::as_ref)
    }
}
