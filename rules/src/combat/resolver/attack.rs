//! Attacks (SRD 5.1 "Making an Attack"; SRD 5.2.1 "Making an Attack").

use super::gather::About;
use super::{Flow, Resolver};
use crate::Key;
use crate::combat::{CombatantId, DamagePart, Economy, Fact, Life, Purpose, Refusal, Test};
use crate::content::{Attack, AttackKind, AttackProperty};
use crate::dice::RollMode;
use crate::effect::{DamageDice, ModifierKind, Quality, RollKind};

/// An attack that may be made.
#[derive(Clone, Copy)]
pub(super) struct Strike<'s> {
    pub(super) attacker: CombatantId,
    pub(super) target: CombatantId,
    pub(super) attack: &'s Attack,
    pub(super) ranged: bool,
    pub(super) distance_ft: i32,
    pub(super) knock_out: bool,
}

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
        let economy = combatant.economy;
        if !economy.action && economy.attacks_left == 0 {
            return Err(Refusal::NoActionLeft.into());
        }
        let block = std::sync::Arc::clone(&combatant.block);
        let attack = block.attack(attack).ok_or(Refusal::UnknownAttack)?;
        let strike = self.aim(who, target, attack, knock_out)?;
        let economy = match economy.attacks_left.checked_sub(1) {
            Some(attacks_left) => Economy { attacks_left, ..economy },
            None => Economy { action: false, ..economy },
        };
        self.tell(Fact::EconomySet { who, economy });
        self.strike(strike)
    }

    /// Whether the attack can be made on this target at all.
    pub(super) fn aim<'s>(
        &self,
        attacker: CombatantId,
        target: CombatantId,
        attack: &'s Attack,
        knock_out: bool,
    ) -> Result<Strike<'s>, Refusal> {
        let victim = self.combatant(target)?;
        if victim.life == Life::Dead || target == attacker {
            return Err(Refusal::InvalidTarget);
        }
        let charmed = self.modifiers(attacker).any(|active| {
            active.modifier.kind == ModifierKind::CannotHarmSource
                && active.effect.source == Some(target)
        });
        if charmed {
            return Err(Refusal::CharmedByTarget);
        }
        let distance_ft = self.distance_ft(attacker, target);
        let reach_ft = self.reach_ft(attacker, attack);
        let ranged = match attack.kind {
            AttackKind::Melee if distance_ft > reach_ft => {
                return Err(Refusal::OutOfReach { distance_ft, reach_ft });
            }
            AttackKind::Melee => false,
            AttackKind::Ranged => true,
            AttackKind::MeleeOrRanged => distance_ft > reach_ft,
        };
        if ranged {
            let range_ft =
                attack.range_ft.map_or(reach_ft, |range| range.long.unwrap_or(range.normal));
            if distance_ft > range_ft {
                return Err(Refusal::OutOfRange { distance_ft, range_ft });
            }
        }
        if knock_out && ranged {
            return Err(Refusal::KnockOutNeedsMelee);
        }
        Ok(Strike { attacker, target, attack, ranged, distance_ft, knock_out })
    }

    /// How far a creature reaches with an attack.
    pub(super) fn reach_ft(&self, who: CombatantId, attack: &Attack) -> i32 {
        let added: i32 = self
            .modifiers(who)
            .filter(|active| active.modifier.kind == ModifierKind::Reach)
            .map(|active| active.modifier.value(active.level))
            .sum();
        attack.reach_ft.unwrap_or(5) + added
    }

    /// Makes the attack: to hit, damage, what follows.
    pub(super) fn strike(&mut self, strike: Strike<'_>) -> Flow<()> {
        let Strike { attacker, target, attack, .. } = strike;
        let test = self.attack_test(strike);
        let tested = self.throw(|dice| test.roll(dice));
        let ac = self.armor_class(target);
        let total = tested.roll.total;
        let purpose = Purpose::Attack { target, attack: attack.attack_id.clone() };
        self.rolled(attacker, purpose, tested.roll);
        let hit = tested.natural != 1 && (tested.natural == 20 || total >= i64::from(ac));
        let critical = hit && (tested.natural == 20 || self.is_critical(strike));
        let attack_id = attack.attack_id.clone();
        self.tell(Fact::AttackMade { attacker, target, attack: attack_id, ac, hit, critical });
        if !hit {
            return Ok(());
        }
        let parts = self.damage_rolled(attacker, &attack.damage, critical);
        self.harm_by_strike(strike, parts, critical)?;
        match &attack.on_hit {
            Some(rider) => self.ride(attacker, target, rider),
            None => Ok(()),
        }
    }

    fn attack_test(&self, strike: Strike<'_>) -> Test {
        let Strike { attacker, target, attack, ranged, distance_ft, .. } = strike;
        let mut test = Test::new(attack.bonus, attack.attack_id.as_str());
        let kinds = attack_kinds(attack, ranged);
        let about =
            |other| About { kinds: &kinds, other: Some(other), distance_ft, ..About::default() };
        self.consult(&mut test, attacker, about(target));
        self.consult_target(&mut test, target, about(attacker));
        if ranged {
            let normal = attack.range_ft.map_or(0, |range| range.normal);
            if distance_ft > normal {
                test.reason(RollMode::Disadvantage, "long_range", None);
            }
            if let Some(near) = self.hostile_beside(attacker) {
                let near = Some(near.0.to_string());
                test.reason(RollMode::Disadvantage, "hostile_within_5_ft", near);
            }
        }
        test
    }

    /// A hostile creature within 5 feet that sees this one and could strike.
    fn hostile_beside(&self, who: CombatantId) -> Option<CombatantId> {
        let me = self.combat.combatant(who)?;
        self.combat
            .combatants
            .values()
            .filter(|other| other.side != me.side && other.is_conscious())
            .map(|other| other.id)
            .find(|&other| {
                self.combat.combatant(other).is_some_and(|other| other.position.is_some())
                    && self.distance_ft(who, other) <= 5
                    && !self.is(other, ModifierKind::CannotAct)
                    && self.sees(other, who)
            })
    }

    /// Armor class now.
    pub(super) fn armor_class(&self, who: CombatantId) -> i32 {
        let Some(combatant) = self.combat.combatant(who) else { return 0 };
        let of_kind =
            || self.modifiers(who).filter(|active| active.modifier.kind == ModifierKind::Ac);
        let value = |active: &super::gather::Active<'_>| active.modifier.value(active.level);
        let least =
            of_kind().filter(|active| active.modifier.set).map(|active| value(&active)).max();
        let added: i32 =
            of_kind().filter(|active| !active.modifier.set).map(|active| value(&active)).sum();
        combatant.block.ac.max(least.unwrap_or(0)) + added
    }

    /// Whether a hit on this target is critical whatever was rolled.
    fn is_critical(&self, strike: Strike<'_>) -> bool {
        let about = About {
            other: Some(strike.attacker),
            distance_ft: strike.distance_ft,
            ..About::default()
        };
        self.modifiers(strike.target).any(|active| {
            active.modifier.kind == ModifierKind::AutoCritical
                && self.cases_hold(strike.target, &active, about)
        })
    }

    /// Rolls damage; a critical hit rolls every die twice.
    pub(super) fn damage_rolled(
        &mut self,
        who: CombatantId,
        dice: &[DamageDice],
        critical: bool,
    ) -> Vec<DamagePart> {
        let mut parts: Vec<DamagePart> = Vec::with_capacity(dice.len());
        for part in dice {
            let roll = self.throw(|faces| {
                if critical { part.dice.roll_critical(faces) } else { part.dice.roll(faces) }
            });
            let rolled = i32::try_from(roll.total.max(0)).unwrap_or(i32::MAX);
            self.rolled(who, Purpose::Damage, roll);
            match parts.iter_mut().find(|known| known.kind == part.kind) {
                Some(known) => known.rolled += rolled,
                None => parts.push(DamagePart { kind: part.kind, rolled, applied: 0 }),
            }
        }
        parts
    }
}

/// Which kinds of roll an attack's is.
fn attack_kinds(attack: &Attack, ranged: bool) -> [RollKind; 3] {
    let by = if ranged { RollKind::RangedAttack } else { RollKind::MeleeAttack };
    let last = if attack.spell { RollKind::SpellAttack } else { by };
    [RollKind::Attack, by, last]
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
