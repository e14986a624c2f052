//! Features that an attacker declares with an attack, for its hit: a use of its block that costs
//! nothing of its turn, a spell cast as it hits, a trait that adds to hits by itself (SRD 5.1
//! "Sneak Attack", "Divine Smite"; SRD 5.2.1 "Sneak Attack", "Divine Smite").

use std::collections::BTreeSet;
use std::sync::Arc;

use super::attack::answered_by;
use super::riders::Saved;
use super::{Flow, Resolver};
use crate::Key;
use crate::combat::view::Strike;
use crate::combat::{CombatantId, Command, DamagePart, Extra, HitPoints, Refusal};
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
        let (plain, as_bonus) = match attack {
            Command::AsBonus { action, .. } => (&**action, true),
            other => (other, false),
        };
        let Command::Attack { attack: with, how, .. } = plain else {
            return Err(Refusal::WrongManner.into());
        };
        if attack.by() != Some(who) {
            return Err(Refusal::WrongManner.into());
        }
        let features: BTreeSet<Key> = features.iter().cloned().collect();
        let block = Arc::clone(&self.combatant(who)?.block);
        let mut spells = 0;
        for id in &features {
            if !self.has_feature(who, id)? {
                continue;
            }
            let attack = block.any_attack(with).ok_or(Refusal::UnknownAttack)?;
            let to = answered_by(&attack).ok_or(Refusal::WrongManner)?;
            if to == Reacts::Hits && self.is_reacted_to(id, Reacts::HitsInMelee) {
                return Err(Refusal::WrongManner.into());
            }
            spells += 1;
        }
        // The attack itself may take the bonus action that a spell takes.
        let taken = as_bonus || matches!(how.extra, Extra::OffHand | Extra::Pounce);
        if spells > i32::from(!taken) {
            return Err(Refusal::NoActionLeft.into());
        }
        self.declared = Some(Declared { who, features });
        self.obey(attack)?;
        self.declared = None;
        Ok(())
    }

    /// That somebody has a feature and that it is left; whether it is a spell.
    fn has_feature(&self, who: CombatantId, id: &Key) -> Result<bool, Refusal> {
        let block = &self.combatant(who)?.block;
        if let Some(action) = block.uses.iter().find(|action| action.use_id == *id) {
            let fits = if rides(action) { Ok(()) } else { Err(Refusal::NotAnAction) };
            return fits.and_then(|()| self.view().is_left(who, action)).map(|()| false);
        }
        let by_itself = self.combat.effects_on(who).any(|effect| {
            let mut modifiers = effect.template.modifiers.iter();
            effect.template.key.as_ref() == Some(id)
                && modifiers.any(|it| it.kind == ModifierKind::ExtraDamage)
        });
        let cast = self.castable_in_reaction(who, who, Reacts::HitsInMelee);
        let cast = cast.iter().any(|(_, spell, _)| spell == id);
        if by_itself || cast {
            return Ok(cast);
        }
        let casting = block.spellcasting.as_ref();
        let listed =
            casting.is_some_and(|it| it.spells.contains(id) || it.per_day.contains_key(id));
        let known =
            [Reacts::Hits, Reacts::HitsInMelee].iter().any(|to| self.is_reacted_to(id, *to));
        Err(match listed && known {
            true if self.view().bonus_action_left(who) => Refusal::Spent,
            true => Refusal::NoActionLeft,
            false => Refusal::UnknownUse,
        })
    }

    /// Whether a spell is cast in reaction to this.
    fn is_reacted_to(&self, spell: &Key, to: Reacts) -> bool {
        let rules = self.book.content.spellbook.get(spell);
        rules.and_then(|it| it.program.as_ref()?.reacts) == Some(to)
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
