//! Features that an attacker declares with an attack, for its hit: a use of its block that costs
//! nothing of its turn, a spell cast as it hits, a trait that adds to hits by itself (SRD 5.1
//! "Sneak Attack", "Divine Smite"; SRD 5.2.1 "Sneak Attack", "Divine Smite").

use std::collections::BTreeSet;
use std::sync::Arc;

use super::riders::Saved;
use super::{Flow, Resolver};
use crate::Key;
use crate::combat::view::Strike;
use crate::combat::{CombatantId, Command, DamagePart, HitPoints, Refusal};
use crate::content::{Cost, Rider, SpecialAction};
use crate::effect::{ModifierKind, Reacts};

/// What was declared and waits for the hit.
pub(super) struct Declared {
    who: CombatantId,
    features: BTreeSet<Key>,
}

impl Resolver<'_> {
    /// An attack on somebody with features. All of them must be its maker's, and be left.
    pub(super) fn attack_with(
        &mut self,
        who: CombatantId,
        features: &[Key],
        attack: &Command,
    ) -> Flow<()> {
        self.on_its_turn(who)?;
        let plain = match attack {
            Command::AsBonus { action, .. } => action,
            other => other,
        };
        if !matches!(plain, Command::Attack { .. }) || attack.by() != Some(who) {
            return Err(Refusal::WrongManner.into());
        }
        for id in features {
            self.has_feature(who, id)?;
        }
        self.declared = Some(Declared { who, features: features.iter().cloned().collect() });
        self.obey(attack)?;
        self.declared = None;
        Ok(())
    }

    fn has_feature(&self, who: CombatantId, id: &Key) -> Result<(), Refusal> {
        let block = &self.combatant(who)?.block;
        if let Some(action) = block.uses.iter().find(|action| action.use_id == *id) {
            let fits = if rides(action) { Ok(()) } else { Err(Refusal::NotAnAction) };
            return fits.and_then(|()| self.view().is_left(who, action));
        }
        let by_itself = self.combat.effects_on(who).any(|effect| {
            let mut modifiers = effect.template.modifiers.iter();
            effect.template.key.as_ref() == Some(id)
                && modifiers.any(|it| it.kind == ModifierKind::ExtraDamage)
        });
        let cast = self.castable_in_reaction(who, who, Reacts::HitsInMelee);
        if by_itself || cast.iter().any(|(_, spell, _)| spell == id) {
            return Ok(());
        }
        let listed = block.spellcasting.as_ref().is_some_and(|it| it.spells.contains(id));
        let known = listed && self.book.content.spellbook.is_reaction(id);
        Err(if known { Refusal::Spent } else { Refusal::UnknownUse })
    }

    /// Whether a spell cast in reaction was declared with the attack that it answers.
    pub(super) fn is_declared(&self, who: CombatantId, spell: &Key) -> bool {
        let declared = self.declared.as_ref().filter(|it| it.who == who);
        declared.is_some_and(|it| it.features.contains(spell))
    }

    /// What the declared uses add to a hit's damage, and what their saves come to; they are spent.
    pub(super) fn feature_damage(
        &mut self,
        strike: Strike<'_>,
        critical: bool,
        parts: &mut Vec<DamagePart>,
    ) -> Flow<Vec<(Rider, Saved)>> {
        let own = self.declared.take_if(|it| it.who == strike.attacker);
        let block = Arc::clone(&self.combatant(strike.attacker)?.block);
        let mut riders = Vec::new();
        for id in own.iter().flat_map(|it| &it.features) {
            let named = |it: &&SpecialAction| it.use_id == *id && rides(it);
            let action = block.uses.iter().find(named);
            // Two may have shared what is left of a pool.
            let left = action.filter(|it| self.view().is_left(strike.attacker, it).is_ok());
            let Some(action) = left else { continue };
            self.spend(strike.attacker, action)?;
            let rider = Rider {
                damage: action.damage.clone(),
                save: action.save,
                fail: action.fail.clone(),
                success: action.success.clone(),
                always: action.always.clone(),
                ..Rider::default()
            };
            let saved = self.rider_damage(strike, Some(&rider), critical, parts)?;
            riders.push((rider, saved));
        }
        Ok(riders)
    }

    /// What else the declared uses do with a hit.
    pub(super) fn feature_rides(
        &mut self,
        strike: Strike<'_>,
        riders: &[(Rider, Saved)],
        before: HitPoints,
    ) -> Flow<()> {
        riders.iter().try_for_each(|(rider, saved)| self.ride(strike, rider, *saved, before))
    }
}

/// Whether a use is one that rides on a hit: it costs nothing but what is left of it, says nobody, and
/// harms. What has no limit happens by itself.
fn rides(action: &SpecialAction) -> bool {
    action.cost == Cost::Free
        && action.is_limited()
        && (!action.damage.is_empty() || action.save.is_some())
        && action.area.is_none()
        && action.targets.unwrap_or(0) <= 1
        && action.healing.is_none()
}
