//! Castings that take longer than an action (SRD 5.1 "Longer Casting Times", "Rituals"; SRD 5.2.1
//! "Longer Casting Times", "Ritual").
//!
//! Each of their turns takes an action, and what was begun is concentrated on until the last of
//! them. A turn without it ends it, and so does what ends concentration. Aimed and paid for is what
//! is complete.

use std::sync::Arc;

use super::Resolver;
use crate::Key;
use crate::combat::{CombatantId, Effect, EndReason, Fact};
use crate::content::{CastingTime, Component, Spell, SpellRules};
use crate::effect::{Duration, Edge, EffectTemplate, Ending, Which, Whose};

/// Key of the effect that is a casting not yet complete.
const BEGUN: &str = "longer-casting";

/// The same of a ritual.
const RITUAL: &str = "ritual";

/// What such an effect counts: the actions spent on it.
const SPENT: &str = "actions";

/// Turns of a minute.
const TURNS_A_MINUTE: u32 = 10;

/// Minutes that a ritual takes more than the spell.
const RITUAL_MINUTES: u32 = 10;

/// It lasts until a turn went by without it.
const UNTIL: Duration =
    Duration::Until { edge: Edge::End, whose: Whose::Source, which: Which::Next };

/// A casting that takes several actions.
pub(super) struct Longer {
    /// Its effect's key.
    key: &'static str,
    /// What was begun.
    begun: Option<Effect>,
    /// Actions that are yet to be spent, the one in question among them.
    left: u32,
    /// This turn's is spent.
    spent: bool,
}

impl Longer {
    /// Whether this action completes it.
    pub(super) const fn is_last(&self) -> bool {
        self.left <= 1
    }

    /// Whether this turn's action went into it: another in the same turn takes it no further.
    pub(super) const fn is_spent(&self) -> bool {
        self.spent
    }
}

impl Resolver<'_> {
    /// How far a creature is with such a casting; none: an action or less is enough.
    pub(super) fn longer(&self, who: CombatantId, spell: &Spell, ritual: bool) -> Option<Longer> {
        let takes = actions(spell.casting_time, ritual);
        if takes <= 1 {
            return None;
        }
        let key = if ritual { RITUAL } else { BEGUN };
        let same = |effect: &&Effect| {
            effect.template.name == spell.id.as_str()
                && effect.template.key.as_ref().is_some_and(|it| it.as_str() == key)
        };
        let on = self.combat.combatant(who)?.concentration;
        let held = self.combat.effects_on(who).filter(|effect| Some(effect.id) == on);
        let begun = held.filter(same).last().cloned();
        let spent = begun.as_ref().and_then(|it| it.counts.get(SPENT)).copied().unwrap_or(0);
        let lasts = self.ends(UNTIL, Some(who), who);
        let left = takes.saturating_sub(spent);
        let spent = begun.as_ref().is_some_and(|it| it.ends == lasts);
        Some(Longer { key, begun, left, spent })
    }

    /// Spends one of its actions, not the last.
    pub(super) fn cast_on(&mut self, who: CombatantId, rules: &SpellRules, longer: &Longer) {
        if rules.record.components.contains(&Component::Verbal) {
            self.end_by(who, Ending::BearerCasts);
        }
        let begun = longer.begun.clone().or_else(|| {
            self.lose_concentration(who);
            let begun = EffectTemplate {
                key: Key::parse(longer.key).ok(),
                ..EffectTemplate::named(rules.record.id.as_str(), UNTIL)
            };
            let on = self.put(&Arc::new(begun), Some(who), who, None)?;
            self.tell(Fact::ConcentrationSet { who, on: Some(on) });
            self.combat.effects.get(&on).map(|effect| Effect::clone(effect))
        });
        let (Some(mut begun), Ok(of)) = (begun, Key::parse(SPENT)) else { return };
        begun.ends = self.ends(UNTIL, Some(who), who);
        let spent = begun.counts.entry(of).or_insert(0);
        *spent = spent.saturating_add(1);
        self.tell(Fact::EffectChanged { effect: Arc::new(begun) });
    }

    /// What was begun is complete.
    pub(super) fn complete(&mut self, longer: &Longer) {
        if let Some(begun) = &longer.begun {
            self.end(begun.id, EndReason::Over);
        }
    }
}

/// Actions that a casting takes, one in each of as many turns.
const fn actions(time: CastingTime, ritual: bool) -> u32 {
    let own = match time {
        CastingTime::Minutes { minutes } => minutes.saturating_mul(TURNS_A_MINUTE),
        _ => 1,
    };
    let more = if ritual { RITUAL_MINUTES * TURNS_A_MINUTE } else { 0 };
    own.saturating_add(more)
}
