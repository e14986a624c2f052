//! Spell attacks (SRD 5.1 "Attack Rolls"; SRD 5.2.1 "Attack Rolls" of spells).

use std::borrow::Cow;

use std::sync::Arc;

use super::ops::{About, Act};
use super::{Flow, Resolver};
use crate::combat::view::{Extra, Strike};
use crate::combat::{
    Choice, CombatantId, DamagePart, EffectId, EndReason, Fact, Manner, Portion, Purpose, Refusal,
    hits,
};
use crate::content::{Attack, AttackKind, RangeFt, SpellAttack};
use crate::effect::{
    AttackOp, Casting, DamageDice, Drain, Duration, EffectTemplate, Hook, Modifier, ModifierKind,
};
use crate::space::Cover;
use crate::{Ability, DamageType, Edition, Expression, Key};

/// How far a melee spell attack reaches.
const REACH_FT: i32 = 5;

impl Resolver<'_> {
    /// An attack roll against each, and what a hit or a miss does.
    pub(super) fn attack_op(&mut self, act: &Act, op: &AttackOp, about: About<'_>) -> Flow<()> {
        for (target, cover) in about {
            if self.combat.combatant(act.caster).is_none() || self.is_out_of_reach(act, *target) {
                continue;
            }
            let modifier = if op.modifier { act.casting.modifier } else { 0 };
            let damage = op.damage.as_deref().unwrap_or_default();
            let mut damage = self.spell_damage(act, damage, modifier);
            if op.bursts && act.casting.modifier > 0 {
                for part in &mut damage {
                    let text = format!("{}!{}", part.dice.as_str(), act.casting.modifier);
                    part.dice = Expression::parse(&text).unwrap_or_else(|_| part.dice.clone());
                }
            }
            let attack = Attack { damage, ..spell_attack(act, op) };
            let mut strike = Strike {
                attacker: act.caster,
                target: *target,
                attack: &attack,
                ranged: attack.kind == AttackKind::Ranged,
                distance_ft: self.view().distance_ft(act.caster, *target),
                cover: *cover,
                knock_out: false,
                how: Manner::default(),
                favored: op.advantage.iter().any(|case| self.is_so(act, *target, case)),
                at: None,
            };
            if attack.kind == AttackKind::Melee {
                strike.cover = Cover::None;
                // Conditions that count at 5 feet count where it strikes.
                strike.distance_ft = if op.far { REACH_FT } else { strike.distance_ft };
            }
            let hit = self.hit_with(strike)?;
            let about = [(*target, *cover)];
            match hit {
                Some(hit) => {
                    if op.drains && hit.dealt > 1 {
                        self.heal(act.caster, hit.dealt / 2);
                    }
                    let act = Act { critical: hit.critical, ..act.clone() };
                    self.carry_out(&act, &op.hit, &about)?;
                }
                None => {
                    if op.miss_half {
                        let parts = self.damage_rolled(act.caster, &attack.damage, false)?;
                        self.deal(act.caster, *target, parts, Portion::Half)?;
                    }
                    self.carry_out(act, &op.miss, &about)?;
                }
            }
        }
        Ok(())
    }

    /// Dice that effects take off damage, once a turn (SRD 5.2.1 "Resistance").
    pub(super) fn lessen(&mut self, target: CombatantId, parts: &mut [DamagePart]) -> Flow<()> {
        let found: Vec<(EffectId, Vec<DamageType>, Expression)> = self
            .view()
            .of_kind(target, ModifierKind::ReduceDie)
            .filter(|active| !active.effect.touched.contains(&target))
            .filter_map(|active| {
                let types = active.modifier.types.clone();
                Some((active.effect.id, types, active.modifier.dice.clone()?))
            })
            .collect();
        for (id, types, dice) in found {
            let Some(part) = parts.iter_mut().find(|part| types.contains(&part.kind)) else {
                continue;
            };
            let roll = self.roll(target, Purpose::Damage, |faces| dice.roll(faces))?;
            let less = i32::try_from(roll.total).unwrap_or(0);
            part.rolled = part.rolled.saturating_sub(less).max(0);
            self.tell(Fact::Touched { id, who: target });
        }
        Ok(())
    }

    /// The maximum of hit points is less for an hour (SRD 5.1 "Harm"; SRD 5.2.1 "Harm").
    pub(super) fn sap(&mut self, act: &Act, target: CombatantId, dealt: i32) {
        let modifier =
            Modifier { value: Some(dealt.saturating_neg()), ..Modifier::of(ModifierKind::MaxHp) };
        let template = EffectTemplate {
            key: Some(act.casting.spell.clone()),
            modifiers: vec![modifier],
            casting: Some(Box::new(act.casting.clone())),
            ..EffectTemplate::named(&act.casting.name, Duration::Seconds { seconds: 3_600 })
        };
        self.put(&Arc::new(template), Some(act.caster), target, None);
    }

    /// The maximum of hit points is less by damage just taken; whose doing it is may regain as much
    /// (SRD 5.1 "Wraith", "Life Drain"; SRD 5.2.1 "Vampires", "Bite").
    pub(super) fn drain(&mut self, act: &Act, drain: &Drain, target: CombatantId) -> Flow<()> {
        let taken = self.facts.iter().rev().find_map(|fact| match fact {
            Fact::Damaged { target: hurt, parts, .. } if *hurt == target => Some(parts),
            _ => None,
        });
        let counts =
            |part: &&DamagePart| drain.types.is_empty() || drain.types.contains(&part.kind);
        let taken = taken.into_iter().flatten().filter(counts);
        let amount = taken.fold(0_i32, |sum, part| sum.saturating_add(part.applied));
        if amount == 0 {
            return Ok(());
        }
        let modifier =
            Modifier { value: Some(amount.saturating_neg()), ..Modifier::of(ModifierKind::MaxHp) };
        let template = EffectTemplate {
            modifiers: vec![modifier],
            casting: Some(Box::new(act.casting.clone())),
            ..EffectTemplate::named(&act.casting.name, Duration::Permanent)
        };
        self.put(&Arc::new(template), Some(act.caster), target, None);
        self.clamp_hp(target);
        if drain.heals {
            self.heal(act.caster, amount);
        }
        let lethal = drain.kills && self.view().is_drained(target);
        if lethal { self.kill(target) } else { Ok(()) }
    }

    /// One attack of the block of whom the effect is on.
    pub(super) fn strike_op(&mut self, act: &Act, target: CombatantId) -> Flow<()> {
        let bearer = act.effect.and_then(|id| self.combat.effects.get(&id)).map(|it| it.target);
        let Some(bearer) = bearer else { return Ok(()) };
        let Some(attack) = self.granted_attack(bearer, &act.casting) else { return Ok(()) };
        match self.view().aim(bearer, target, &attack, false) {
            Ok(strike) => self.strike(strike),
            Err(_) => Ok(()),
        }
    }

    /// The attack that an effect lets its bearer make: the one chosen, or the first.
    pub(super) fn granted_attack(&self, bearer: CombatantId, casting: &Casting) -> Option<Attack> {
        let block = &self.combat.combatant(bearer)?.block;
        let chosen = casting.word("attack").and_then(|word| Key::parse(word).ok());
        let attack = match chosen {
            Some(id) => block.attack(&id)?,
            None => block.attacks.first()?,
        };
        Some(self.view().enchanted(bearer, Cow::Borrowed(attack)).into_owned())
    }

    /// What effects do when an attack has hit.
    pub(super) fn hit_made(&mut self, strike: Strike<'_>, critical: bool) -> Flow<()> {
        let Strike { attacker, target, attack, .. } = strike;
        self.fire(attacker, Hook::Hits, Some(target), critical)?;
        if !attack.spell {
            self.fire(attacker, Hook::HitsWithWeapon, Some(target), critical)?;
        }
        self.fire(target, Hook::Hit, Some(attacker), critical)?;
        // Where a spell strikes elsewhere, the caster's own distance counts.
        if !strike.ranged && self.view().distance_ft(attacker, target) <= REACH_FT {
            self.fire(target, Hook::HitInMelee, Some(attacker), critical)?;
        }
        Ok(())
    }

    /// Dice that effects add to a hit, of one type each: the attacker chooses among several.
    pub(super) fn extra_types(
        &mut self,
        attacker: CombatantId,
        extra: Vec<Extra>,
    ) -> Flow<Vec<(DamageDice, i32)>> {
        let mut chosen = Vec::with_capacity(extra.len());
        for Extra { part, types, least, .. } in extra {
            let names: Vec<&'static str> = types.iter().map(|kind| kind.name()).collect();
            let kind = match names.as_slice() {
                [default, _, ..] => {
                    let name = self.choose(attacker, Choice::DamageType, &names, default)?;
                    types.into_iter().find(|kind| kind.name() == name)
                }
                _ => None,
            };
            chosen.push((DamageDice { kind: kind.unwrap_or(part.kind), ..part }, least));
        }
        Ok(chosen)
    }

    /// Dice that effects add to a hit, or take off it: never below the least that they leave.
    pub(super) fn add_extra(
        &mut self,
        attacker: CombatantId,
        extra: &[(DamageDice, i32)],
        critical: bool,
        parts: &mut Vec<DamagePart>,
    ) -> Flow<()> {
        for (part, least) in extra {
            let roll = self.roll(attacker, Purpose::Damage, |faces| {
                if critical { part.dice.roll_critical(faces) } else { part.dice.roll(faces) }
            })?;
            let rolled = i32::try_from(roll.total).unwrap_or(0);
            match parts.iter_mut().find(|known| known.kind == part.kind) {
                Some(known) => {
                    let least = (*least).min(known.rolled);
                    known.rolled = known.rolled.saturating_add(rolled).max(least);
                }
                None if rolled > 0 => {
                    parts.push(DamagePart { kind: part.kind, rolled, applied: 0 });
                }
                None => {}
            }
        }
        Ok(())
    }

    /// Whether a ward turns an attack away. At a square it does so unawares.
    pub(super) fn is_warded_from(&mut self, strike: Strike<'_>) -> Flow<bool> {
        let Strike { attacker, target, .. } = strike;
        let Some(at) = strike.at else { return self.is_turned_away(attacker, target) };
        let Some(dc) = self.ward_dc(target).filter(|_| !strike.is_void()) else { return Ok(false) };
        let test = self.view().save_test(attacker, Ability::Wis);
        if test.succeeds() || test.fails() {
            return Ok(test.fails());
        }
        Ok(self.test(attacker, Purpose::WardAt { at }, test)?.total < i64::from(dc))
    }

    /// Whether a ward turns away who would harm its bearer: that one saves against it first (SRD 5.1
    /// "Sanctuary"; SRD 5.2.1 "Sanctuary").
    pub(super) fn is_turned_away(&mut self, who: CombatantId, target: CombatantId) -> Flow<bool> {
        match self.ward_dc(target) {
            Some(dc) => Ok(!self.save(who, Ability::Wis, dc)?),
            None => Ok(false),
        }
    }

    /// DC of the ward on a creature, if there is one.
    fn ward_dc(&self, target: CombatantId) -> Option<i32> {
        let mut wards = self.view().of_kind(target, ModifierKind::Warded);
        wards.find_map(|active| Some(active.effect.template.casting.as_ref()?.dc))
    }

    /// Whether one of the images around a target is meant in its place (SRD 5.1 "Mirror Image"; SRD
    /// 5.2.1 "Mirror Image").
    pub(super) fn is_image_meant(&mut self, strike: Strike<'_>) -> Flow<bool> {
        let Some((_, left)) = self.view().images(strike.target, strike.attacker) else {
            return Ok(false);
        };
        // 5.2 throws a die for each image, 5.1 one for all.
        let (sides, count, least) = match (self.combat.rules.edition, left) {
            (Edition::E52, _) => (6, left, 3),
            (Edition::E51, 3..) => (20, 1, 6),
            (Edition::E51, 2) => (20, 1, 8),
            (Edition::E51, _) => (20, 1, 11),
        };
        let mut meant = false;
        for _ in 0..count {
            let spell = Key::parse("mirror-image").map_err(|_| Refusal::UnknownSpell)?;
            let purpose = Purpose::Recharge { id: spell };
            let roll =
                self.roll(strike.target, purpose, |dice| crate::dice::Roll::plain(sides, dice))?;
            meant |= roll.total >= least;
        }
        Ok(meant)
    }

    /// One image less.
    pub(super) fn lose_image(&mut self, strike: Strike<'_>) {
        let images = self.view().images(strike.target, strike.attacker);
        let (Some((id, left)), Ok(of)) = (images, Key::parse("left")) else { return };
        self.tell(Fact::Counted { id, of, count: left - 1 });
        if left == 1 {
            self.end(id, EndReason::Over);
        }
    }

    /// 5.1: whether an attack is on an image, whatever its roll: what hits the image's own Armor
    /// Class destroys it, and nothing else comes of it.
    pub(super) fn strikes_image(
        &mut self,
        strike: Strike<'_>,
        natural: u32,
        total: i64,
    ) -> Flow<bool> {
        if self.combat.rules.edition != Edition::E51 || !self.is_image_meant(strike)? {
            return Ok(false);
        }
        let agile = self.combatant(strike.target)?.block.abilities.modifier(Ability::Dex);
        let ac = IMAGE_AC.saturating_add(agile);
        if hits(natural, total, ac).0 {
            self.lose_image(strike);
        }
        self.miss(strike, ac);
        Ok(true)
    }
}

/// Armor Class of an image, its creature's Dexterity not counted (SRD 5.1 "Mirror Image").
const IMAGE_AC: i32 = 10;

fn spell_attack(act: &Act, op: &AttackOp) -> Attack {
    let ranged = op.kind != Some(SpellAttack::Melee);
    Attack {
        attack_id: act.casting.spell.clone(),
        name: act.casting.name.clone(),
        kind: if ranged { AttackKind::Ranged } else { AttackKind::Melee },
        spell: true,
        bonus: act.casting.attack_bonus,
        reach_ft: Some(REACH_FT),
        range_ft: ranged.then_some(RangeFt { normal: i32::MAX, long: None }),
        damage: Vec::new(),
        two_handed_damage: Vec::new(),
        properties: Vec::new(),
        mastery: None,
        on_hit: None,
    }
}
