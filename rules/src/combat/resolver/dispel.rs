//! Ending others' spells (SRD 5.1 "Dispel Magic"; SRD 5.2.1 "Dispel Magic").

use std::collections::BTreeMap;

use super::ops::Act;
use super::{Flow, Resolver};
use crate::Key;
use crate::combat::{CombatantId, Covered, Effect, EffectId, EndReason, Purpose};
use crate::effect::Disperse;

/// Spells up to this level end without a check, whatever slot is used.
const SURE: u8 = 3;

impl Resolver<'_> {
    /// Ends the spells on a creature; where the casting names a square, those whose area is there.
    pub(super) fn dispel_op(&mut self, act: &Act, target: CombatantId) -> Flow<()> {
        let meant = |effect: &&Effect| match (act.casting.at, &effect.covers) {
            (Some(at), Some(covers)) => covers.contains(at),
            (Some(_), None) => false,
            (None, _) => effect.target == target && self.is_on_bearer(effect),
        };
        let effects = self.combat.effects.values().map(AsRef::as_ref);
        let found: Vec<(EffectId, Key, Option<CombatantId>, u8)> = effects
            .filter(meant)
            .filter_map(|effect| {
                let casting = effect.template.casting.as_deref()?;
                let rules = self.book.content.spellbook.get(&casting.spell);
                let program = rules.and_then(|rules| rules.program.as_ref());
                let spell = program.is_some_and(|program| !program.undispelled);
                // What its caster concentrates by is no spell of its own.
                let own = effect.template.key.is_some() && spell;
                own.then(|| (effect.id, casting.spell.clone(), effect.source, casting.slot))
            })
            .collect();
        let mut settled = BTreeMap::new();
        for (id, spell, source, level) in found {
            let ended = match settled.get(&(spell.clone(), source, level)) {
                Some(ended) => *ended,
                None => self.is_dispelled(act, level)?,
            };
            settled.insert((spell, source, level), ended);
            if ended {
                self.end(id, EndReason::Removed);
            }
        }
        Ok(())
    }

    /// Ends spells whose area has part in that of the casting's effects.
    pub(super) fn disperse_op(&mut self, act: &Act, disperse: &Disperse) {
        let casting = |effect: &Effect| effect.template.casting.clone();
        let zones = || self.combat.effects.zones().iter();
        let own = zones().filter(|effect| {
            effect.source == Some(act.caster)
                && casting(effect).is_some_and(|it| *it == act.casting)
        });
        let own: Vec<&Covered> = own.filter_map(|effect| effect.covers.as_ref()).collect();
        let over: Vec<EffectId> = zones()
            .filter(|effect| {
                let named = casting(effect).is_some_and(|casting| {
                    disperse.spells.contains(&casting.spell) && casting.slot <= disperse.level
                });
                let met = |covers: &Covered| own.iter().any(|own| own.meets(covers));
                named && effect.covers.as_ref().is_some_and(met)
            })
            .map(|effect| effect.id)
            .collect();
        for id in over {
            self.end(id, EndReason::Removed);
        }
    }

    /// Whether an effect is on its bearer, or on a place that stays around it.
    fn is_on_bearer(&self, effect: &Effect) -> bool {
        let follows = effect.template.zone.as_ref().is_some_and(|zone| zone.follows);
        effect.covers.is_none() || follows
    }

    fn is_dispelled(&mut self, act: &Act, level: u8) -> Flow<bool> {
        if level <= act.casting.slot.max(SURE) {
            return Ok(true);
        }
        let test = self.casting_test(act, act.casting.modifier);
        let purpose = Purpose::Ability { ability: self.casting_ability(act.caster) };
        Ok(self.test(act.caster, purpose, test)?.total >= 10 + i64::from(level))
    }
}
