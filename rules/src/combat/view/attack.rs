//! Attacks as they stand before a die is thrown.

use super::{About, Active, View};
use crate::Key;
use crate::combat::{CombatantId, Life, Manner, Refusal, Test};
use crate::content::{Attack, AttackKind, RangeFt};
use crate::dice::RollMode;
use crate::effect::{ModifierKind, RollKind};
use crate::space::{Cover, Relation, Shot, Square, crowded, shot};

/// How far a creature reaches with what has no reach of its own.
const REACH_FT: i32 = 5;

/// Corrosion that leaves nothing of a weapon.
const WORTHLESS: i32 = 5;

/// An attack that may be made.
#[derive(Clone, Copy)]
pub(in crate::combat) struct Strike<'s> {
    pub(in crate::combat) attacker: CombatantId,
    /// The attacker itself: nobody is there ([`Strike::is_void`]).
    pub(in crate::combat) target: CombatantId,
    pub(in crate::combat) attack: &'s Attack,
    pub(in crate::combat) ranged: bool,
    pub(in crate::combat) distance_ft: i32,
    pub(in crate::combat) cover: Cover,
    pub(in crate::combat) knock_out: bool,
    pub(in crate::combat) how: Manner,
    /// Something gives it advantage.
    pub(in crate::combat) favored: bool,
    /// It is made at this square, whoever is there.
    pub(in crate::combat) at: Option<Square>,
}

impl Strike<'_> {
    /// Whether nobody is where it is made.
    pub(in crate::combat) fn is_void(&self) -> bool {
        self.target == self.attacker
    }
}

impl<'a> View<'a> {
    /// How many d20 an attack would be rolled with.
    ///
    /// # Errors
    /// Why it cannot be made.
    pub fn attack_mode(
        self,
        attacker: CombatantId,
        target: CombatantId,
        attack: &Key,
    ) -> Result<RollMode, Refusal> {
        let attack =
            self.known(attacker)?.block.any_attack(attack).ok_or(Refusal::UnknownAttack)?;
        Ok(self.attack_test(self.aim(attacker, target, &attack, false)?).mode())
    }

    /// Whether one creature may not harm another.
    pub fn is_charmed_by(self, who: CombatantId, by: CombatantId) -> bool {
        self.of_kind(who, ModifierKind::CannotHarmSource)
            .any(|active| active.effect.source == Some(by))
    }

    /// Whether the attack can be made on this target at all.
    pub(in crate::combat) fn aim<'s>(
        self,
        attacker: CombatantId,
        target: CombatantId,
        attack: &'s Attack,
        knock_out: bool,
    ) -> Result<Strike<'s>, Refusal> {
        self.aim_with(attacker, target, attack, knock_out, Manner::default())
    }

    /// As [`View::aim`], for an attack made in some way.
    pub(in crate::combat) fn aim_with<'s>(
        self,
        attacker: CombatantId,
        target: CombatantId,
        attack: &'s Attack,
        knock_out: bool,
        how: Manner,
    ) -> Result<Strike<'s>, Refusal> {
        let victim = self.known(target)?;
        self.known(attacker)?;
        let apart = self.is_elsewhere(attacker, target);
        if victim.life == Life::Dead || target == attacker || apart {
            return Err(Refusal::InvalidTarget);
        }
        self.may_strike_with(attacker, attack, how)?;
        if self.is_charmed_by(attacker, target) {
            return Err(Refusal::CharmedByTarget);
        }
        if !self.may_be_attacked(attacker, target, attack) {
            return Err(Refusal::InvalidTarget);
        }
        let distance_ft = self.distance_ft(attacker, target);
        let ranged = self.is_ranged(attacker, attack, (knock_out, how), distance_ft)?;
        let cover = self.cover(attacker, target);
        if cover == Cover::Total {
            return Err(Refusal::NoLineOfEffect);
        }
        Ok(Strike {
            attacker,
            target,
            attack,
            ranged,
            distance_ft,
            cover,
            knock_out,
            how,
            favored: false,
            at: None,
        })
    }

    /// That nothing keeps a creature from this attack on anybody.
    pub(in crate::combat) fn may_strike_with(
        self,
        who: CombatantId,
        attack: &Attack,
        how: Manner,
    ) -> Result<(), Refusal> {
        if self.is_disarmed(who, None) {
            return Err(Refusal::CannotAct { condition: None });
        }
        self.may_wield(who, attack, how)?;
        let (roll, damage) = self.corrosion(who, &attack.attack_id);
        if roll.max(damage) >= WORTHLESS { Err(Refusal::UnknownAttack) } else { Ok(()) }
    }

    /// Whether an attack that far is one at a distance.
    ///
    /// # Errors
    /// Why it cannot be made so far.
    pub(in crate::combat) fn is_ranged(
        self,
        attacker: CombatantId,
        attack: &Attack,
        (knock_out, how): (bool, Manner),
        distance_ft: i32,
    ) -> Result<bool, Refusal> {
        let reach_ft = self.reach_ft(attacker, attack);
        let ranged = match attack.kind {
            _ if how.thrown => true,
            AttackKind::Melee if distance_ft > reach_ft => {
                return Err(Refusal::OutOfReach { distance_ft, reach_ft });
            }
            AttackKind::Melee => false,
            AttackKind::Ranged => true,
            AttackKind::MeleeOrRanged => distance_ft > reach_ft,
        };
        if ranged {
            let range = attack.range_ft.unwrap_or(RangeFt { normal: reach_ft, long: None });
            if shot(range, distance_ft) == Shot::Beyond {
                let range_ft = range.long.unwrap_or(range.normal);
                return Err(Refusal::OutOfRange { distance_ft, range_ft });
            }
            if self.is_disarmed(attacker, Some(attack)) {
                return Err(Refusal::CannotAct { condition: None });
            }
        }
        if knock_out && ranged {
            return Err(Refusal::KnockOutNeedsMelee);
        }
        Ok(ranged)
    }

    /// Whether something keeps a creature from all attacks, or from this one at a distance.
    pub(in crate::combat) fn is_disarmed(self, who: CombatantId, shot: Option<&Attack>) -> bool {
        self.of_kind(who, ModifierKind::CannotAttack).any(|active| {
            let on = &active.modifier.on;
            match shot {
                None => on.is_empty(),
                Some(attack) => attack_kinds(attack, true).iter().any(|kind| on.contains(kind)),
            }
        })
    }

    /// Whether the attack is for such a target: what it must be, and nobody else while the attack
    /// holds somebody.
    fn may_be_attacked(self, who: CombatantId, target: CombatantId, attack: &Attack) -> bool {
        let Some(detail) = self.detail(who, &attack.attack_id) else { return true };
        let held = self.grappled_with(who, &attack.attack_id);
        let free = !detail.only_on_grappled || held.is_empty() || held.contains(&target);
        free && detail.targets.as_ref().is_none_or(|it| self.meets(it, who, target))
    }

    /// How far a creature reaches with an attack.
    pub(in crate::combat) fn reach_ft(self, who: CombatantId, attack: &Attack) -> i32 {
        self.reach_of(who, attack.reach_ft)
    }

    /// As [`View::reach_ft`], with what has such a reach of its own.
    pub(in crate::combat) fn reach_of(self, who: CombatantId, own_ft: Option<i32>) -> i32 {
        let added = self
            .of_kind(who, ModifierKind::Reach)
            .map(|active| active.modifier.value(active.level))
            .fold(0_i32, i32::saturating_add);
        own_ft.unwrap_or(REACH_FT).saturating_add(added)
    }

    pub(in crate::combat) fn attack_test(self, strike: Strike<'_>) -> Test {
        let Strike { attacker, target, attack, ranged, distance_ft, .. } = strike;
        let mut test = Test::new(attack.bonus, attack.attack_id.as_str());
        test.add(self.ability_change(strike), "ability");
        test.add(-self.corrosion(attacker, &attack.attack_id).0, "corroded");
        let kinds = attack_kinds(attack, ranged);
        let [own, against] = self.about_attack(strike, &kinds);
        self.consult(&mut test, attacker, own);
        if strike.is_void() || !self.sees(attacker, target) {
            test.reason(RollMode::Disadvantage, "target_unseen", None);
        }
        if !strike.is_void() {
            self.consult_target(&mut test, target, against);
            if !self.sees(target, attacker) {
                test.reason(RollMode::Advantage, "attacker_unseen", None);
            }
        }
        if self.is_too_heavy(strike) {
            test.reason(RollMode::Disadvantage, "heavy_weapon", None);
        }
        if self.is_too_long(strike) {
            test.reason(RollMode::Disadvantage, "too_near", None);
        }
        if self.is_hampered_by_squeezing(attacker) {
            test.reason(RollMode::Disadvantage, "squeezing", None);
        }
        if self.is_hampered_by_squeezing(target) {
            test.reason(RollMode::Advantage, "target_squeezing", None);
        }
        if self.is_hampered_by_water(strike) {
            test.reason(RollMode::Disadvantage, "underwater", None);
        }
        if strike.favored || self.is_favored(strike) {
            test.reason(RollMode::Advantage, attack.attack_id.as_str(), None);
        }
        if ranged {
            if attack.range_ft.is_some_and(|range| shot(range, distance_ft) != Shot::Normal) {
                test.reason(RollMode::Disadvantage, "long_range", None);
            }
            if let Some(near) = self.hostile_beside(attacker) {
                let near = Some(near.0.to_string());
                test.reason(RollMode::Disadvantage, "hostile_within_5_ft", near);
            }
        }
        test
    }

    /// What an attack roll is to the effects on its attacker, and to those on its target. At a square
    /// it has to do with nobody for the first: who is there must not show in what they do or in
    /// which of them are used up.
    pub(in crate::combat) fn about_attack<'r>(
        self,
        strike: Strike<'_>,
        kinds: &'r [RollKind],
    ) -> [About<'r>; 2] {
        let Strike { attacker, target, distance_ft, .. } = strike;
        let ability = self.ability_of(strike);
        let about = |other| About { kinds, ability, other, distance_ft, ..About::default() };
        [about(strike.at.is_none().then_some(target)), about(Some(attacker))]
    }

    /// A hostile creature within 5 feet that sees this one and could strike.
    pub(in crate::combat) fn hostile_beside(self, who: CombatantId) -> Option<CombatantId> {
        let me = self.combat.combatant(who)?;
        self.combat
            .combatants
            .values()
            .filter(|it| me.relation(it) == Relation::Enemy)
            .filter(|it| it.is_conscious() && it.position.is_some())
            .find(|other| {
                let incapacitated = || self.is(other.id, ModifierKind::CannotAct);
                let sees = || self.sees(other.id, who);
                crowded(self.apart_ft(me, other), sees, incapacitated)
            })
            .map(|other| other.id)
    }

    /// Armor class now, behind cover.
    pub fn armor_class(self, who: CombatantId, cover: Cover) -> i32 {
        let Some(combatant) = self.combat.combatant(who) else { return 0 };
        let of_kind = || self.of_kind(who, ModifierKind::Ac);
        let value = |active: &Active<'_>| active.modifier.value(active.level);
        let least =
            of_kind().filter(|active| active.modifier.set).map(|active| value(&active)).max();
        let plain = of_kind().filter(|active| !active.modifier.set).map(|active| value(&active));
        let added = plain.fold(0_i32, i32::saturating_add);
        let base = self
            .of_kind(who, ModifierKind::AcBase)
            .map(|active| {
                let ability = active.modifier.ability;
                let own = ability.map_or(0, |it| combatant.block.abilities.modifier(it));
                value(&active).saturating_add(own)
            })
            .max();
        let worn = combatant.block.ac.max(least.unwrap_or(0)).max(base.unwrap_or(0));
        worn.saturating_add(added).saturating_add(cover.bonus().unwrap_or(0))
    }

    /// Whether a hit on this target is critical whatever was rolled.
    pub(in crate::combat) fn is_critical(self, strike: Strike<'_>) -> bool {
        let about = About {
            other: Some(strike.attacker),
            distance_ft: strike.distance_ft,
            ..About::default()
        };
        let whoever = self
            .of_kind(strike.target, ModifierKind::AutoCritical)
            .any(|active| self.cases_hold(strike.target, &active, about));
        let about = About { other: Some(strike.target), ..about };
        let own = self.of_kind(strike.attacker, ModifierKind::HitsCritically);
        whoever || own.into_iter().any(|active| self.cases_hold(strike.attacker, &active, about))
    }
}

/// Which kinds of roll an attack's is.
pub(super) fn attack_kinds(attack: &Attack, ranged: bool) -> [RollKind; 4] {
    let by = if ranged { RollKind::RangedAttack } else { RollKind::MeleeAttack };
    let kind = if attack.spell { RollKind::SpellAttack } else { RollKind::WeaponAttack };
    let both = match (attack.spell, ranged) {
        (true, _) => kind,
        (false, true) => RollKind::RangedWeaponAttack,
        (false, false) => RollKind::MeleeWeaponAttack,
    };
    [RollKind::Attack, by, kind, both]
}
