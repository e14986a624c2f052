//! Spells of those whom time passes slowly (SRD 5.1 "Slow"; SRD 5.2.1 "Slow").

use std::sync::Arc;

use super::cast::HELD;
use super::costs::Payment;
use super::{Flow, Resolver};
use crate::Key;
use crate::combat::{CombatantId, EndReason};
use crate::content::{CastingTime, Component, SpellRules};
use crate::effect::{Casting, Duration, Edge, EffectTemplate, ModifierKind, Which, Whose};

impl Resolver<'_> {
    /// Whether a spell is complete in its caster's next turn only, by an action of that turn. It is
    /// paid for now; without that action it is wasted.
    pub(super) fn is_delayed(
        &mut self,
        who: CombatantId,
        rules: &SpellRules,
        casting: &Casting,
        payment: &Payment,
    ) -> Flow<bool> {
        if let Some(held) = self.held_spell(who, &casting.spell) {
            let delayed =
                self.combat.effects.get(&held).is_some_and(|it| it.template.casting.is_some());
            if delayed {
                self.end(held, EndReason::Over);
            }
            return Ok(false);
        }
        let least = self.worst(who, ModifierKind::DelaysSpells, i32::min);
        let Some(least) = least.filter(|_| rules.record.casting_time == CastingTime::Action) else {
            return Ok(false);
        };
        if i64::from(self.face(who, 20, &casting.spell)?) < i64::from(least) {
            return Ok(false);
        }
        self.pay(who, casting, payment);
        let until = Duration::Until { edge: Edge::End, whose: Whose::Source, which: Which::Next };
        let delayed = EffectTemplate {
            key: Key::parse(HELD).ok(),
            casting: Some(Box::new(casting.clone())),
            ..EffectTemplate::named(casting.spell.as_str(), until)
        };
        self.put(&Arc::new(delayed), Some(who), who, None);
        Ok(true)
    }

    /// Whether a spell fails because its gestures were made too slowly.
    pub(super) fn is_botched(&mut self, who: CombatantId, rules: &SpellRules) -> Flow<bool> {
        let most = self.worst(who, ModifierKind::FailsSpells, i32::max);
        let gestures = rules.record.components.contains(&Component::Somatic);
        let Some(most) = most.filter(|_| gestures) else { return Ok(false) };
        Ok(i64::from(self.face(who, 100, &rules.record.id)?) <= i64::from(most))
    }

    fn worst(&self, who: CombatantId, kind: ModifierKind, of: fn(i32, i32) -> i32) -> Option<i32> {
        let all = self.view().of_kind(who, kind);
        all.map(|active| active.modifier.value(active.level)).reduce(of)
    }
}
