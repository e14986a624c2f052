//! Attacks (SRD 5.1 "Making an Attack"; SRD 5.2.1 "Making an Attack").

use std::sync::Arc;

use super::riders::{Saved, outcomes};
use super::traits::Stakes;
use super::{Flow, Resolver};
use crate::combat::view::Strike;
use crate::combat::{
    CombatantId, CombatantKind, DamagePart, Fact, Manner, Purpose, Refusal, Test, hits,
};
use crate::content::{Attack, AttackKind, AttackProperty, Rider, StatBlock};
use crate::dice::{Modifier, RollMode};
use crate::effect::{DamageDice, Hook, ModifierKind, Quality, Reacts};
use crate::space::Square;
use crate::{Dice, Edition, Key, MonsterDamage, Roll};

impl Resolver<'_> {
    /// The Attack action of a creature's own turn: on a creature, or on whoever is on a square.
    pub(super) fn attack_action(
        &mut self,
        who: CombatantId,
        aimed: Aimed,
        (attack, ammunition): (&Key, Option<&Key>),
        (knock_out, how): (bool, Manner),
    ) -> Flow<()> {
        let block = self.may_attack(who)?;
        let attack = block.any_attack(attack).ok_or(Refusal::UnknownAttack)?;
        let attack = self.view().enchanted(who, attack);
        let driven = self.view().is(who, ModifierKind::AttacksNearest);
        if driven && !matches!(aimed, Aimed::At(target) if self.view().is_nearest(who, target)) {
            return Err(Refusal::InvalidTarget.into());
        }
        self.view().may_be_made(who, &attack, how)?;
        let shot = self.ammunition(who, &attack, ammunition)?;
        let beside = if let Aimed::At(target) = aimed { target } else { who };
        let economy = self.after_attacking(who, beside, &attack, how)?;
        let strike = match aimed {
            Aimed::At(target) => self.view().aim_with(who, target, &attack, knock_out, how)?,
            Aimed::Square(at) => self.aim_at(who, at, &attack, (knock_out, how))?,
        };
        self.tell(Fact::EconomySet { who, economy });
        self.shoot(who, shot);
        self.strike(strike)
    }

    /// That a creature can attack in its turn; its block.
    pub(super) fn may_attack(&self, who: CombatantId) -> Result<Arc<StatBlock>, Refusal> {
        self.on_its_turn(who)?;
        let tired = self.view().is(who, ModifierKind::OneAttack);
        let combatant = self.combatant(who)?;
        if (tired && !combatant.economy.action) || self.view().has_chosen_bonus_action(who) {
            return Err(Refusal::NoActionLeft);
        }
        Ok(Arc::clone(&combatant.block))
    }

    /// Makes the attack: to hit, damage, what follows.
    pub(super) fn strike(&mut self, strike: Strike<'_>) -> Flow<()> {
        self.hit_with(strike).map(|_| ())
    }

    /// Makes the attack; what came of a hit.
    pub(super) fn hit_with(&mut self, strike: Strike<'_>) -> Flow<Option<HitMade>> {
        let Strike { attacker, target, .. } = strike;
        self.throw_away(strike);
        let warded = self.is_warded_from(strike)?;
        if warded && strike.at.is_none() {
            return Ok(None);
        }
        let test = self.view().attack_test(strike);
        let mode = test.mode();
        let damage = self.view().damage_of(strike, mode);
        let (rider, charging) = (self.rider(strike), self.charging(strike));
        let (used, change) =
            (self.view().used_by_attack(strike), self.view().damage_change(strike));
        let critical = if self.view().hits_held(strike) {
            self.hit_without_roll(strike);
            Some(false)
        } else {
            self.roll_to_hit(strike, test, warded)?
        };
        self.after_attack_roll(strike, used);
        // An attack at a square has to do with nobody for who makes it.
        let other = strike.at.is_none().then_some(target);
        self.fire(attacker, Hook::Attacks, other, false)?;
        if !strike.is_void() {
            self.fire(target, Hook::Attacked, Some(attacker), false)?;
        }
        let Some(critical) = critical else {
            if !warded && !strike.is_void() {
                self.graze(strike)?;
            }
            return Ok(None);
        };
        if let Some(to) = answered_by(strike.attack) {
            self.react_by_casting(attacker, target, to, None)?;
        }
        let mut extra = self.extra_damage(strike, mode)?;
        extra.extend(charging.iter().flat_map(|it| it.damage.iter().cloned()).map(|it| (it, 0)));
        let mut parts = self.damage_with(attacker, &damage, critical, change)?;
        self.add_extra(attacker, &extra, critical, &mut parts)?;
        if self.view().deals_half(strike) {
            parts.iter_mut().for_each(|part| part.rolled /= 2);
        }
        let saved = self.rider_damage(strike, rider, critical, &mut parts)?;
        let features = self.feature_damage(strike, critical, &mut parts)?;
        let before = self.combatant(target)?.hp;
        if self.view().doubles(strike) {
            for part in &mut parts {
                part.rolled = part.rolled.saturating_mul(2);
            }
        }
        let dealt = self.harm_by_strike(strike, parts, critical)?;
        self.felled(strike, before)?;
        self.retaliate(strike)?;
        self.corrode(strike);
        if let Some(rider) = rider {
            self.ride(strike, rider, saved, before)?;
        }
        self.feature_rides(strike, &features, before)?;
        if let Some(charging) = charging {
            self.charge_home(strike, &charging)?;
        }
        self.master(strike, before)?;
        self.hit_made(strike, critical)?;
        Ok(Some(HitMade { critical, dealt }))
    }

    /// Dice that effects add to a hit's damage; those of once a turn are used.
    fn extra_damage(&mut self, strike: Strike<'_>, mode: RollMode) -> Flow<Vec<(DamageDice, i32)>> {
        let extra = self.view().extra_damage(strike, mode);
        for id in extra.iter().filter_map(|it| it.once) {
            self.tell(Fact::Touched { id, who: strike.attacker });
        }
        self.extra_types(strike.attacker, extra)
    }

    /// A hit on somebody held (SRD 5.1 "Marilith", "Salamander").
    fn hit_without_roll(&mut self, strike: Strike<'_>) {
        let Strike { attacker, target, cover, .. } = strike;
        let (attack, ac) =
            (strike.attack.attack_id.clone(), self.view().armor_class(target, cover));
        let (hit, critical) = (true, false);
        self.tell(Fact::AttackMade { attacker, target, attack, ac, cover, hit, critical });
    }

    /// The attack roll, and what is done to it: whether it hits, and whether critically. At a square
    /// it is made whatever it can come to.
    fn roll_to_hit(&mut self, strike: Strike<'_>, test: Test, warded: bool) -> Flow<Option<bool>> {
        let Strike { attacker, target, attack, cover, .. } = strike;
        let view = self.view();
        let lost = view.is_deflected(strike) || view.is_lost_in_water(strike);
        let mut ac = view.armor_class(target, cover);
        if lost && strike.at.is_none() {
            self.miss(strike, ac);
            return Ok(None);
        }
        let id = attack.attack_id.clone();
        let purpose = match strike.at {
            Some(at) => Purpose::AttackAt { at, attack: id },
            None => Purpose::Attack { target, attack: id },
        };
        let tested = self.test(attacker, purpose, test)?;
        let total = tested.total;
        if lost || warded || strike.is_void() {
            self.miss(strike, ac);
            return Ok(None);
        }
        if self.strikes_image(strike, tested.natural, total)? {
            return Ok(None);
        }
        let (mut hit, mut critical) = hits(tested.natural, total, ac);
        hit &= !(attack.spell && self.view().is(target, ModifierKind::SpellAttacksMiss));
        if hit {
            self.react_by_casting(target, attacker, Reacts::Hit, None)?;
            ac = self.view().armor_class(target, cover);
            (hit, critical) = hits(tested.natural, total, ac);
        }
        if hit && !critical {
            (ac, hit) = self.parried(strike, total, ac)?;
        }
        let first_rules = self.combat.rules.edition == Edition::E51;
        if hit && !first_rules && self.is_image_meant(strike)? {
            self.lose_image(strike);
            hit = false;
        }
        if !hit {
            self.miss(strike, ac);
            return Ok(None);
        }
        let critical = critical || self.view().is_critical(strike);
        let attack = attack.attack_id.clone();
        self.tell(Fact::AttackMade { attacker, target, attack, ac, cover, hit, critical });
        Ok(Some(critical))
    }

    /// The attack missed this armor class.
    pub(super) fn miss(&mut self, strike: Strike<'_>, ac: i32) {
        let Strike { attacker, target, cover, .. } = strike;
        let (attack, hit, critical) = (strike.attack.attack_id.clone(), false, false);
        self.tell(match strike.at {
            Some(at) => {
                let target = (!strike.is_void()).then_some(target);
                Fact::GuessMissed { attacker, at, attack, target }
            }
            None => Fact::AttackMade { attacker, target, attack, ac, cover, hit, critical },
        });
    }

    /// What follows a hit on this target, if anything does.
    fn rider<'s>(&self, strike: Strike<'s>) -> Option<&'s Rider> {
        let Strike { attacker, target, attack, .. } = strike;
        let detail = self.view().detail(attacker, &attack.attack_id);
        let required = detail.and_then(|it| it.rider.as_ref());
        let meets = required.is_none_or(|it| self.view().meets(it, attacker, target));
        attack.on_hit.as_deref().filter(|rider| meets && (!rider.chosen || strike.how.other))
    }

    /// What a rider adds to the hit's damage: one instance, its dice doubled with the others.
    /// Whether the save against it succeeded.
    pub(super) fn rider_damage(
        &mut self,
        strike: Strike<'_>,
        rider: Option<&Rider>,
        critical: bool,
        parts: &mut Vec<DamagePart>,
    ) -> Flow<Saved> {
        let Some(rider) = rider else { return Ok(Saved::default()) };
        let saved = match rider.save {
            Some(save) => {
                let conditions = rider.fail.as_ref().map_or(&[][..], |it| &it.conditions);
                let detail = self.view().detail(strike.attacker, &strike.attack.attack_id);
                let magical = detail.is_some_and(|it| it.magical);
                let from = Some(strike.attacker);
                let stakes = Stakes { from, conditions, magical };
                self.save_against(strike.target, save, strike.cover, stakes)?
            }
            None => false,
        };
        let portion = self.portion(strike.target, rider.save, saved);
        let outcome = self.saved(saved);
        for part in self.damage_rolled(strike.attacker, &rider.damage, critical)? {
            let rolled = portion.of(part.rolled);
            add_part(parts, DamagePart { rolled, ..part });
        }
        self.outcome_damage(strike.attacker, outcomes(rider, outcome), critical, parts)?;
        Ok(outcome)
    }

    /// Rolls damage; a critical hit rolls every die twice.
    pub(super) fn damage_rolled(
        &mut self,
        who: CombatantId,
        dice: &[DamageDice],
        critical: bool,
    ) -> Flow<Vec<DamagePart>> {
        self.damage_with(who, dice, critical, 0)
    }

    /// Rolls damage with a number added to its first part. A monster's is its average where the
    /// table plays it so.
    fn damage_with(
        &mut self,
        who: CombatantId,
        dice: &[DamageDice],
        critical: bool,
        added: i32,
    ) -> Flow<Vec<DamagePart>> {
        let monster =
            self.combat.combatant(who).is_some_and(|it| it.kind == CombatantKind::Monster);
        let average = monster && self.combat.rules.monster_damage == MonsterDamage::Average;
        let mut parts: Vec<DamagePart> = Vec::with_capacity(dice.len());
        for (index, part) in dice.iter().enumerate() {
            let added = if index == 0 { i64::from(added) } else { 0 };
            let throw = |faces: &mut dyn Dice| {
                let mut roll =
                    if critical { part.dice.roll_critical(faces) } else { part.dice.roll(faces) };
                if added != 0 {
                    roll.modifiers.push(Modifier { value: added, source: "ability".to_owned() });
                    roll.total += added;
                }
                roll
            };
            let total = if average {
                let roll = averaged(throw);
                let total = roll.total;
                self.tell(Fact::Rolled { who, purpose: Purpose::Damage, roll });
                total
            } else {
                self.roll(who, Purpose::Damage, throw)?.total
            };
            let rolled = i32::try_from(total.max(0)).unwrap_or(i32::MAX);
            add_part(&mut parts, DamagePart { kind: part.kind, rolled, applied: 0 });
        }
        Ok(parts)
    }
}

/// What an attack is made on.
#[derive(Clone, Copy, Debug)]
pub(super) enum Aimed {
    /// This creature.
    At(CombatantId),
    /// Whoever is there.
    Square(Square),
}

/// What a hit came to.
#[derive(Clone, Copy, Debug)]
pub(super) struct HitMade {
    pub(super) critical: bool,
    /// Damage that came through.
    pub(super) dealt: i32,
}

/// What spells are cast in reaction to a hit with it: with a melee weapon it is one with that though
/// it was thrown (SRD 5.2.1 "Divine Smite"). None: to that of a spell none are.
pub(super) fn answered_by(attack: &Attack) -> Option<Reacts> {
    let to = if attack.kind == AttackKind::Ranged { Reacts::Hits } else { Reacts::HitsInMelee };
    (!attack.spell).then_some(to)
}

/// Adds damage to what there is of its type.
pub(super) fn add_part(parts: &mut Vec<DamagePart>, part: DamagePart) {
    match parts.iter_mut().find(|known| known.kind == part.kind) {
        Some(known) => known.rolled = known.rolled.saturating_add(part.rolled),
        None => parts.push(part),
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

/// A throw of which every die shows its mean, rounded down in all.
fn averaged(throw: impl Fn(&mut dyn Dice) -> Roll) -> Roll {
    let (least, most) = (throw(&mut Extreme::Least), throw(&mut Extreme::Most));
    let total = (least.total + most.total).div_euclid(2);
    Roll { faces: Vec::new(), kept: Vec::new(), total, ..least }
}

/// Dice that all show the same end.
pub(super) enum Extreme {
    Least,
    Most,
}

impl Dice for Extreme {
    fn roll(&mut self, sides: u32) -> u32 {
        match self {
            Self::Least => 1,
            Self::Most => sides,
        }
    }
}
