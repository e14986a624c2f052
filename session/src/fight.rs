//! A fight of the session: the combat that `gss_rules` plays, and what the table adds to it — names
//! on the wire, the secret seed of its dice, deadlines.
//!
//! Shown as `/combat` ([`show`]); told message by message ([`narrate`]).

pub(crate) mod action;
pub(crate) mod asked;
mod books;
mod changes;
pub(crate) mod choices;
pub(crate) mod code;
mod effects;
mod judge;
pub(crate) mod messages;
pub(crate) mod narrate;
mod outcome;
pub(crate) mod plain;
pub(crate) mod prompts;
mod seed;
pub(crate) mod show;
mod size;
pub(crate) mod spec;

use gss_rules::combat::{Combat, CombatantId, EffectId, Fact, Input, PromptId, Rulebook, Step};
use gss_shared::ids::{ActionId, PlayerId, Version};
use gss_shared::time::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_128;

pub(crate) use books::book;
pub use books::read_all;
pub use judge::{Judged, Misjudged, judge};
pub(crate) use seed::Seed;

/// A fight.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Fight {
    /// `combat_id`.
    pub(crate) id: Uuid,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<Box<str>>,
    /// Version of its first event.
    pub(crate) since: Version,
    /// Where its faces come from. Secret until it ends.
    pub(crate) seed: Seed,
    /// Faces drawn so far; never fewer, whatever is rewound.
    pub(crate) drawn: u64,
    /// How often it was taken back.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) rewinds: u32,
    /// Version of the event that brought it back last: questions asked before have other names. Zero:
    /// none did, or one of an earlier release, where `rewinds` tells them apart.
    #[serde(default, skip_serializing_if = "Version::is_zero")]
    pub(crate) back_at: Version,
    /// What names of effects and questions are made with, so that nobody counts those that it is not
    /// shown. Secret as the seed is. None: begun by an earlier release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<Uuid>,
    /// Turns begun.
    pub(crate) turns: u32,
    /// When the present turn began.
    pub(crate) turn_at: Timestamp,
    /// When the open question is answered for whom it asks; None: it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) deadline: Option<Timestamp>,
    /// The action that goes on when the open question is answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) doing: Option<Doing>,
    pub(crate) combat: Combat,
}

/// An action that was declared.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Doing {
    pub(crate) action: ActionId,
    pub(crate) who: CombatantId,
    /// Its `action_type`.
    pub(crate) kind: Box<str>,
}

/// What an event does to the session's fight.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FightChange {
    /// It is this one now.
    Set(Box<Fight>),
    /// It went on.
    Step {
        step: Box<Step>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deadline: Option<Timestamp>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        doing: Option<Doing>,
    },
    /// The open question has another deadline.
    Deadline { deadline: Option<Timestamp> },
    /// There is none any more.
    Ended,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde asks")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Fight {
    /// The player whose turn it is; None: nobody's, or one of the game masters'.
    pub(crate) fn on_turn(&self) -> Option<PlayerId> {
        self.combat.active().and_then(|active| self.combat.owner(active)).map(PlayerId)
    }

    /// Folds what an event does to a fight that goes on.
    pub(crate) fn fold(&mut self, change: &FightChange, at: Timestamp) {
        match change {
            FightChange::Step { step, deadline, doing } => {
                self.step(step, (*deadline, doing.clone()), at);
            }
            FightChange::Deadline { deadline } => self.deadline = *deadline,
            FightChange::Set(_) | FightChange::Ended => {}
        }
    }

    /// Folds one step.
    pub(crate) fn step(
        &mut self,
        step: &Step,
        (deadline, doing): (Option<Timestamp>, Option<Doing>),
        at: Timestamp,
    ) {
        self.combat.apply(step);
        self.drawn += step.faces.len() as u64;
        let begun = step.facts.iter().filter(|fact| matches!(fact, Fact::TurnStarted { .. }));
        let begun = u32::try_from(begun.count()).unwrap_or(u32::MAX);
        self.turns = self.turns.saturating_add(begun);
        if begun > 0 {
            self.turn_at = at;
        }
        self.deadline = deadline.filter(|_| step.prompt.is_some());
        if matches!(step.input, Input::Command { .. }) {
            self.doing = doing;
        }
        if step.prompt.is_none() {
            self.doing = None;
        }
    }

    /// What the rules of its edition are played with.
    pub(crate) fn book(&self) -> &'static Rulebook {
        book(self.combat.rules.edition)
    }

    /// The next faces of its dice.
    pub(crate) fn dice(&self) -> seed::Faces<'_> {
        self.seed.faces(self.drawn)
    }

    /// `prompt_id` of a question.
    pub(crate) fn prompt_id(&self, id: PromptId) -> Uuid {
        let kind = if self.back_at.is_zero() {
            format!("prompt {}", self.rewinds)
        } else {
            format!("prompt since {}", self.back_at)
        };
        self.derived(&kind, id.0)
    }

    /// `effect_id` of an effect.
    pub(crate) fn effect_id(&self, id: EffectId) -> Uuid {
        self.derived("effect", id.0)
    }

    /// The effect of this `effect_id` that runs.
    pub(crate) fn effect(&self, wire: Uuid) -> Option<EffectId> {
        self.combat.effects.keys().copied().find(|id| self.effect_id(*id) == wire)
    }

    /// A name that clients know something of the combat by: another in every fight.
    fn derived(&self, kind: &str, number: u32) -> Uuid {
        let mut bytes = self.key.unwrap_or(self.id).as_bytes().to_vec();
        bytes.extend_from_slice(kind.as_bytes());
        bytes.extend_from_slice(&number.to_be_bytes());
        uuid::Builder::from_random_bytes(xxh3_128(&bytes).to_be_bytes()).into_uuid()
    }
}
