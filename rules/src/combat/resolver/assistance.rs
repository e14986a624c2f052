//! Help, hiding, and actions that are a check (SRD 5.1 "Help", "Hide", "Search"; SRD 5.2.1 "Help",
//! "Hide", "Search", "Influence", "Study").

use std::sync::Arc;

use super::{Flow, Resolver};
use crate::combat::{
    CheckSense, CombatantId, Effect, EffectId, EndReason, Fact, HelpWith, Life, Refusal,
    SkillAction,
};
use crate::effect::{
    Duration, Edge, EffectTemplate, Ending, Modifier, ModifierKind, RollKind, When, Which, Whose,
};
use crate::space::{Cover, Relation};
use crate::{Ability, Condition, Key, Skill, Switch};

/// What a Stealth check must reach to hide (SRD 5.2.1 "Hide").
const HIDE_DC: i64 = 15;
/// The least that a check to influence must reach (SRD 5.2.1 "Influence").
const INFLUENCE_DC: i64 = 15;
/// How near the enemy is that help against it is given.
const HELP_FT: i32 = 5;

impl Resolver<'_> {
    /// Helps an ally with its next check or attack before its own next turn starts.
    pub(super) fn help(
        &mut self,
        who: CombatantId,
        target: CombatantId,
        with: HelpWith,
    ) -> Flow<()> {
        self.on_its_turn(who)?;
        let (own, other) = (self.combatant(who)?, self.combatant(target)?);
        if who == target || other.life == Life::Dead {
            return Err(Refusal::InvalidTarget.into());
        }
        let (modifier, about) = match with {
            HelpWith::Stabilize if self.combat.rules.is_52(Switch::Stabilize) => {
                return self.stabilize(who, target);
            }
            HelpWith::Stabilize => return Err(Refusal::NotInTheseRules.into()),
            HelpWith::Check { skill } => {
                let proficient = |skill: Skill| {
                    own.block.skill_bonus(skill) > own.block.abilities.modifier(skill.ability())
                };
                let trained = self.combat.rules.is_52(Switch::HelpProficiency);
                if trained && !skill.is_some_and(proficient) {
                    return Err(Refusal::NotProficient.into());
                }
                (
                    Modifier {
                        on: vec![RollKind::Check],
                        skills: skill.into_iter().collect(),
                        ..Modifier::of(ModifierKind::Advantage)
                    },
                    None,
                )
            }
            HelpWith::Attack { enemy } => {
                let foe = self.combatant(enemy)?;
                if self.view().is_elsewhere(who, enemy) {
                    return Err(Refusal::InvalidTarget.into());
                }
                if own.relation(foe) == Relation::Ally || foe.life == Life::Dead {
                    return Err(Refusal::InvalidTarget.into());
                }
                let distance_ft = self.view().distance_ft(who, enemy);
                if distance_ft > HELP_FT {
                    return Err(Refusal::OutOfReach { distance_ft, reach_ft: HELP_FT }.into());
                }
                (
                    Modifier {
                        on: vec![RollKind::Attack],
                        when: vec![When::OtherIsSubject],
                        ..Modifier::of(ModifierKind::Advantage)
                    },
                    Some(enemy),
                )
            }
        };
        self.spend_action(who)?;
        let until = Duration::Until { edge: Edge::Start, whose: Whose::Source, which: Which::Next };
        let template = EffectTemplate {
            modifiers: vec![modifier],
            ends_on: vec![Ending::Roll],
            ..EffectTemplate::named("help", until)
        };
        self.put_about(&Arc::new(template), Some(who), target, (None, about));
        Ok(())
    }

    /// Hides where nobody hostile sees it. SRD 5.1: from those whose passive Perception the check
    /// exceeds or equals. SRD 5.2.1: invisible to all with 15 or more, until somebody finds it.
    pub(super) fn hide(&mut self, who: CombatantId) -> Flow<()> {
        self.on_its_turn(who)?;
        self.unseen(who)?;
        self.spend_action(who)?;
        self.be_hiding(who)
    }

    /// That nobody hostile sees it. SRD 5.2.1: and that it is heavily obscured, or behind
    /// three-quarters or total cover, to each of them. Cover is from somebody: where no foe is about
    /// there is none to be without.
    pub(super) fn unseen(&self, who: CombatantId) -> Result<(), Refusal> {
        let (me, view) = (self.combatant(who)?, self.view());
        let covered = |from: CombatantId| {
            view.is_obscured_to(from, who) || view.cover(from, who) >= Cover::ThreeQuarters
        };
        let modern = self.combat.rules.is_52(Switch::Hide);
        // Who is hidden from it must not be given away by its not being able to hide.
        let foes = self.combat.combatants.values().filter(|other| {
            me.relation(other) == Relation::Enemy
                && other.is_conscious()
                && !other.hidden
                && other.position.is_some()
        });
        for foe in foes.map(|foe| foe.id) {
            if view.sees(foe, who) {
                return Err(Refusal::Seen { by: foe });
            }
            if modern && !covered(foe) {
                return Err(Refusal::NotConcealed { from: foe });
            }
        }
        Ok(())
    }

    /// A check to hide.
    pub(super) fn be_hiding(&mut self, who: CombatantId) -> Flow<()> {
        let skill = Skill::Stealth;
        let total = self.check(who, skill, None)?;
        let modern = self.combat.rules.is_52(Switch::Hide);
        let against = modern.then_some(HIDE_DC);
        let success = against.map(|dc| total >= dc);
        self.tell(Fact::CheckMade { who, skill, target: None, total, against, success });
        for older in self.hiding(who) {
            self.end(older, EndReason::Replaced);
        }
        if success != Some(false) {
            let conditions = if modern { vec![Condition::Invisible] } else { Vec::new() };
            let template = EffectTemplate {
                key: Key::parse(HIDDEN).ok(),
                conditions,
                dc: i32::try_from(total).ok(),
                ends_on: vec![Ending::BearerAttacks, Ending::BearerCasts],
                ..EffectTemplate::named(HIDDEN, Duration::Permanent)
            };
            self.put(&Arc::new(template), Some(who), who, None);
        }
        Ok(())
    }

    fn hiding(&self, who: CombatantId) -> Vec<EffectId> {
        let hides = |effect: &&Effect| is_hiding(effect);
        self.combat.effects_on(who).filter(hides).map(|effect| effect.id).collect()
    }

    /// What a creature searches a place by where it does not say: sight, or hearing where it is
    /// blinded or sees nothing there.
    fn searching_sense(&self, who: CombatantId, there: CombatantId) -> CheckSense {
        let view = self.view();
        match view.has(who, Condition::Blinded) || view.is_hidden_by_ground(who, there) {
            true => CheckSense::Hearing,
            false => CheckSense::Sight,
        }
    }

    /// An action that is a check. What comes of it a game master rules, but whom a search finds is
    /// found.
    pub(super) fn try_skill(
        &mut self,
        who: CombatantId,
        action: SkillAction,
        (skill, sense): (Option<Skill>, Option<CheckSense>),
        target: Option<CombatantId>,
    ) -> Flow<()> {
        self.on_its_turn(who)?;
        let modern = self.combat.rules.is_52(Switch::ActionNames);
        if action == SkillAction::Study && !modern {
            return Err(Refusal::NotInTheseRules.into());
        }
        let skills = skills_of(action, modern);
        let skill = skill.or_else(|| skills.first().copied()).ok_or(Refusal::WrongSkill)?;
        if !skills.contains(&skill) {
            return Err(Refusal::WrongSkill.into());
        }
        if action == SkillAction::Influence && target.is_none() {
            return Err(Refusal::InvalidTarget.into());
        }
        let other = target.map(|target| self.combatant(target)).transpose()?;
        let mind = other.map_or(0, |other| i64::from(other.block.abilities.score(Ability::Int)));
        let hidden = target.map(|target| self.hiding(target)).unwrap_or_default();
        let looks = action == SkillAction::Search && skill == Skill::Perception;
        let sense =
            sense.or_else(|| looks.then(|| self.searching_sense(who, target.unwrap_or(who))));
        self.spend_action(who)?;
        let favor = target.filter(|target| self.view().is_partial_to(*target, who, skill));
        let total = {
            let favor = favor.map(|target| ("charmed", target));
            self.check_by(who, skill, favor, (sense, target))?
        };
        let to_find = hidden.iter().filter_map(|id| self.combat.effects.get(id)?.template.dc);
        let against = match action {
            SkillAction::Search if skill == Skill::Perception => to_find.max().map(i64::from),
            // SRD 5.1 "Social Interaction" has no such DC: the game master rules.
            SkillAction::Influence if modern => Some(INFLUENCE_DC.max(mind)),
            SkillAction::Search | SkillAction::Influence | SkillAction::Study => None,
        };
        let success = against.map(|dc| total >= dc);
        self.tell(Fact::CheckMade { who, skill, target, total, against, success });
        if action == SkillAction::Search && success == Some(true) {
            for id in hidden {
                self.end(id, EndReason::Over);
            }
        }
        Ok(())
    }
}

/// Key of the effect that hides.
pub(in crate::combat) const HIDDEN: &str = "hidden";

/// Whether an effect is that somebody hid.
pub(in crate::combat) fn is_hiding(effect: &Effect) -> bool {
    effect.template.key.as_ref().is_some_and(|key| key.as_str() == HIDDEN)
}

/// The skills that serve an action, the usual one first.
fn skills_of(action: SkillAction, modern: bool) -> &'static [Skill] {
    match action {
        SkillAction::Search if modern => {
            &[Skill::Perception, Skill::Insight, Skill::Medicine, Skill::Survival]
        }
        SkillAction::Search => &[Skill::Perception, Skill::Investigation],
        SkillAction::Influence => &[
            Skill::Persuasion,
            Skill::AnimalHandling,
            Skill::Deception,
            Skill::Intimidation,
            Skill::Performance,
        ],
        SkillAction::Study => {
            &[Skill::Investigation, Skill::Arcana, Skill::History, Skill::Nature, Skill::Religion]
        }
    }
}
