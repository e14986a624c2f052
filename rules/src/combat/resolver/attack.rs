//! Attacks (SRD 5.1 "Making an Attack"; SRD 5.2.1 "Making an Attack").

use super::{Flow, Resolver};
use crate::Key;
use crate::combat::view::Strike;
use crate::combat::{CombatantId, DamagePart, Fact, Portion, Purpose, Refusal, hits};
use crate::content::{Attack, AttackProperty, Rider};
use crate::effect::{DamageDice, Quality};

impl Resolver<'_> {
    /// The Attack action of a creature's own turn.
    pub(super) fn attack_action(
        &mut self,
        who: CombatantId,
        target: CombatantId,
        attack: &Key,
        knock_out: bool,
    ) -> Flow<()> {
        self.on_its_turn(who)?;
        let combatant = self.combatant(who)?;
        let economy = combatant.after_making(attack).ok_or(Refusal::NoActionLeft)?;
        let block = std::sync::Arc::clone(&combatant.block);
        let attack = block.attack(attack).ok_or(Refusal::UnknownAttack)?;
        let strike = self.view().aim(who, target, attack, knock_out)?;
        self.tell(Fact::EconomySet { who, economy });
        self.strike(strike)
    }

    /// Makes the attack: to hit, damage, what follows.
    pub(super) fn strike(&mut self, strike: Strike<'_>) -> Flow<()> {
        let Strike { attacker, target, attack, cover, .. } = strike;
        let test = self.view().attack_test(strike);
        let damage = self.view().damage_of(strike, test.mode());
        let rider = self.rider(strike);
        let purpose = Purpose::Attack { target, attack: attack.attack_id.clone() };
        let tested = self.test(attacker, purpose, test)?;
        let ac = self.view().armor_class(target, cover);
        let (hit, critical) = hits(tested.natural, tested.roll.total, ac);
        let critical = critical || (hit && self.view().is_critical(strike));
        let attack_id = attack.attack_id.clone();
        self.tell(Fact::AttackMade {
            attacker,
            target,
            attack: attack_id,
            ac,
            cover,
            hit,
            critical,
        });
        if !hit {
            return Ok(());
        }
        let mut parts = self.damage_rolled(attacker, &damage, critical)?;
        let saved = self.rider_damage(strike, rider, critical, &mut parts)?;
        self.harm_by_strike(strike, parts, critical)?;
        match rider {
            Some(rider) => self.ride(strike, rider, saved),
            None => Ok(()),
        }
    }

    /// What follows a hit on this target, if anything does.
    fn rider<'s>(&self, strike: Strike<'s>) -> Option<&'s Rider> {
        let Strike { attacker, target, attack, .. } = strike;
        let detail = self.view().detail(attacker, &attack.attack_id);
        let required = detail.and_then(|it| it.rider.as_ref());
        let meets = required.is_none_or(|it| self.view().meets(it, attacker, target));
        attack.on_hit.as_ref().filter(|_| meets)
    }

    /// What a rider adds to the hit's damage: one instance, its dice doubled with the others.
    /// Whether the save against it succeeded.
    fn rider_damage(
        &mut self,
        strike: Strike<'_>,
        rider: Option<&Rider>,
        critical: bool,
        parts: &mut Vec<DamagePart>,
    ) -> Flow<bool> {
        let Some(rider) = rider else { return Ok(false) };
        let saved = match rider.save {
            Some(save) => self.save_behind(strike.target, save.ability, save.dc, strike.cover)?,
            None => false,
        };
        let portion = Portion::after(saved, rider.save.is_some_and(|save| save.half));
        for part in self.damage_rolled(strike.attacker, &rider.damage, critical)? {
            let rolled = portion.of(part.rolled);
            match parts.iter_mut().find(|known| known.kind == part.kind) {
                Some(known) => known.rolled = known.rolled.saturating_add(rolled),
                None => parts.push(DamagePart { rolled, ..part }),
            }
        }
        Ok(saved)
    }

    /// Rolls damage; a critical hit rolls every die twice.
    pub(super) fn damage_rolled(
        &mut self,
        who: CombatantId,
        dice: &[DamageDice],
        critical: bool,
    ) -> Flow<Vec<DamagePart>> {
        let mut parts: Vec<DamagePart> = Vec::with_capacity(dice.len());
        for part in dice {
            let roll = self.roll(who, Purpose::Damage, |faces| {
                if critical { part.dice.roll_critical(faces) } else { part.dice.roll(faces) }
            })?;
            let rolled = i32::try_from(roll.total.max(0)).unwrap_or(i32::MAX);
            match parts.iter_mut().find(|known| known.kind == part.kind) {
                Some(known) => known.rolled = known.rolled.saturating_add(rolled),
                None => parts.push(DamagePart { kind: part.kind, rolled, applied: 0 }),
            }
        }
        Ok(parts)
    }
}

/// What makes the attack's damage more than a plain weapon's.
pub(super) fn qualities(attack: &Attack) -> Vec<Quality> {
    let mut qualities: Vec<Quality> = attack
        .properties
        .iter()
        .filter_map(|property| match property {
            AttackProperty::Magical => Some(Quality::Magical),
            AttackProperty::Silvered => Some(Quality::Silvered),
            AttackProperty::Adamantine => Some(Quality::Adamantine),
            _ => None,
        })
        .collect();
    if attack.spell {
        qualities.push(Quality::Magical);
    }
    qualities
}
