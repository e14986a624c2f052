//! Carrying out programs, word by word.

use std::collections::BTreeMap;

use super::attack::Extreme;
use super::harm::{Blow, Mercy};
use super::{Flow, Resolver};
use crate::combat::{
    CombatantId, DamagePart, EffectId, EndReason, Fact, Life, Portion, Purpose, Test,
};
use crate::content::{self, plus, scaled};
use crate::dice::RollMode;
use crate::effect::{
    Amount, Case, Casting, Counted, DamageDice, DamageOp, ModifierKind, Op, Pool, Remove, SaveOp,
    SaveSpec, Table,
};
use crate::space::Cover;
use crate::{Ability, Condition, DamageType, Edition, Expression, Key};

/// How far what effects do may set off what other effects do.
const DEPTH: u8 = 8;

/// How often what is counted adds dice at most.
const MOST_COUNTED: usize = 20;

/// How many throws are made at most for one that seems to save: all but surely one of them succeeds
/// where one face of 20 does.
const SEEMING_THROWS: u8 = 100;

/// How often a table is thrown on at most.
const THROWS: u8 = 20;

/// Those that words are about, each with its cover against where they come from.
pub(super) type About<'t> = &'t [(CombatantId, Cover)];

/// Whose doing words are, and with what numbers.
#[derive(Clone, Debug)]
pub(super) struct Act {
    pub(super) caster: CombatantId,
    pub(super) casting: Casting,
    /// What its effects end with.
    pub(super) anchor: Option<EffectId>,
    /// The effect whose words they are.
    pub(super) effect: Option<EffectId>,
    /// What set them off was a critical hit.
    pub(super) critical: bool,
    /// What that effect has counted.
    pub(super) counts: BTreeMap<Key, u32>,
    /// Those to whom they do nothing, though they were named.
    pub(super) vain: Vec<CombatantId>,
}

impl Act {
    pub(super) const fn of(caster: CombatantId, casting: Casting) -> Self {
        let counts = BTreeMap::new();
        let vain = Vec::new();
        Self { caster, casting, anchor: None, effect: None, critical: false, counts, vain }
    }

    /// Dice with those added for what has been counted.
    fn grown(&self, dice: &Expression, counted: &Counted) -> Expression {
        let times = self.counts.get(&counted.of).copied().unwrap_or(0);
        let more = format!("+{}", counted.dice.as_str());
        let more = more.repeat(usize::try_from(times).unwrap_or(usize::MAX).min(MOST_COUNTED));
        let grown = Expression::parse(&format!("{}{more}", dice.as_str()));
        grown.unwrap_or_else(|_| dice.clone())
    }
}

impl Resolver<'_> {
    /// Carries out words about some creatures, one word after another.
    pub(super) fn carry_out(&mut self, act: &Act, ops: &[Op], about: About<'_>) -> Flow<()> {
        if self.depth >= DEPTH {
            return Ok(());
        }
        self.depth += 1;
        let in_vain = |one: &&(CombatantId, Cover)| act.vain.contains(&one.0);
        let meant: Vec<_> = about.iter().filter(|one| !in_vain(one)).copied().collect();
        for op in ops {
            let shown = matches!(op, Op::Save(save) if seems_resisted(save));
            self.carry_out_one(act, op, if shown { about } else { &meant })?;
            if self.stopped {
                break;
            }
        }
        self.depth -= 1;
        self.stopped &= self.depth > 0;
        Ok(())
    }

    fn carry_out_one(&mut self, act: &Act, op: &Op, about: About<'_>) -> Flow<()> {
        match op {
            Op::Save(save) => self.save_op(act, save, about),
            Op::Attack(attack) => self.attack_op(act, attack, about),
            Op::Damage(damage) => self.damage_op(act, damage, about),
            Op::Heal(amount) => self.heal_op(act, amount, about),
            Op::TempHp(amount) => self.temp_hp_op(act, amount, about),
            Op::If(branch) => {
                let so = |one: &&(CombatantId, Cover)| {
                    branch.when.iter().all(|case| self.is_so(act, one.0, case))
                };
                let (then, otherwise): (Vec<_>, Vec<_>) = about.iter().partition(so);
                for (ops, those) in [(&branch.then, then), (&branch.otherwise, otherwise)] {
                    if !those.is_empty() {
                        self.carry_out(act, ops, &those)?;
                    }
                }
                Ok(())
            }
            Op::BySlot(levels) => match levels.range(..=act.casting.slot).next_back() {
                Some((_, ops)) => self.carry_out(act, ops, about),
                None => Ok(()),
            },
            Op::Choose(choose) => {
                self.carry_out(act, &choose.first, about)?;
                let word = act.casting.word(choose.of.as_str()).unwrap_or_default();
                match choose.among.get(word) {
                    Some(ops) => self.carry_out(act, ops, about),
                    None => Ok(()),
                }
            }
            Op::Summon(summon) => self.summon_op(act, summon),
            Op::Raise(raise) => self.raise_op(act, raise),
            Op::OnCaster(ops) => self.carry_out(act, ops, &[(act.caster, Cover::None)]),
            Op::Around(_)
            | Op::Bite(_)
            | Op::OnBearer(_)
            | Op::Inside(_)
            | Op::Bearers(_)
            | Op::About(_) => self.regroup(act, op, about),
            Op::Contest(contest) => self.contest_op(act, contest, about),
            Op::Table(table) => self.table_op(act, table, about),
            Op::Pool(pool) => self.pool_op(act, pool, about),
            Op::Count(count) => {
                let Some(id) = act.effect else { return Ok(()) };
                let Some(effect) = self.combat.effects.get(&id) else { return Ok(()) };
                let now = effect.counts.get(&count.of).copied().unwrap_or(0);
                let now = now.saturating_add(self.step_of(count));
                self.tell(Fact::Counted { id, of: count.of.clone(), count: now });
                if now >= count.to { self.carry_out(act, &count.then, about) } else { Ok(()) }
            }
            _ => about.iter().try_for_each(|(target, _)| self.act_upon(act, op, *target)),
        }
    }

    /// What is done to one creature after another, with nothing in common.
    fn act_upon(&mut self, act: &Act, op: &Op, target: CombatantId) -> Flow<()> {
        match op {
            Op::Effect(effect) => self.effect_op(act, effect, target),
            Op::Remove(remove) => {
                self.remove_op(act, remove, target);
                Ok(())
            }
            Op::Kill => self.kill(target),
            Op::Stabilize => {
                let life = self.combat.combatant(target).map(|it| it.life);
                if matches!(life, Some(Life::Dying { .. })) {
                    self.stabilized(target)?;
                }
                Ok(())
            }
            Op::Revive(hp) => {
                self.revive(target, *hp);
                Ok(())
            }
            Op::End => {
                if let Some(id) = act.effect {
                    self.end(id, EndReason::Over);
                }
                Ok(())
            }
            Op::BreakConcentration => {
                self.lose_concentration(target);
                Ok(())
            }
            Op::Counter => {
                self.countered = true;
                Ok(())
            }
            Op::SpendReaction => {
                self.spend_reaction(target);
                Ok(())
            }
            Op::Drift(feet) => match act.effect {
                Some(id) => self.drift(id, *feet),
                None => Ok(()),
            },
            Op::SpendAction => self.lose_action(target),
            Op::Strike => self.strike_op(act, target),
            Op::Hide => self.be_hiding(target),
            Op::HalfDash => self.stride(target),
            Op::TakeForm => self.change_form(target, &act.casting),
            Op::SpendMovement(feet) => {
                self.spend_movement(target, *feet);
                Ok(())
            }
            Op::Again => {
                self.again = true;
                Ok(())
            }
            Op::Weapon(weapon) => self.weapon_op(act, weapon, target),
            Op::Dispel => self.dispel_op(act, target),
            Op::Disperse(disperse) => {
                self.disperse_op(act, disperse);
                Ok(())
            }
            Op::MoveArea(feet) => self.move_area_op(act, *feet),
            Op::Rule(of) => {
                let targets = vec![target];
                self.tell(Fact::RulingNeeded { who: act.caster, of: of.clone(), targets });
                Ok(())
            }
            _ => self.displace(act, op, target),
        }
    }

    /// Damage is rolled once for all; each makes its own save.
    fn save_op(&mut self, act: &Act, save: &SaveOp, about: About<'_>) -> Flow<()> {
        if about.is_empty() {
            return Ok(());
        }
        let mut dice = self.spell_damage(act, save.damage.as_deref().unwrap_or_default(), 0);
        if let (Some(counted), Some(first)) = (&save.counted, dice.first_mut()) {
            first.dice = act.grown(&first.dice, counted);
        }
        let parts = self.damage_rolled(act.caster, &dice, false)?;
        for (target, cover) in about {
            if self.is_out_of_reach(act, *target) {
                continue;
            }
            let cover = if save.no_cover { Cover::None } else { *cover };
            if act.vain.contains(target) {
                self.seem_to_save(act, save, (*target, cover));
                continue;
            }
            let saved = self.save_of_op(act, save, *target, cover)?;
            let missed_by = std::mem::take(&mut self.missed_by);
            let so = |case: &Case| self.is_so(act, *target, case);
            let greatest = !saved && save.greatest.iter().any(so);
            let parts = if greatest { greatest_of(&dice) } else { parts.clone() };
            let ability = save.ability.unwrap_or(Ability::Con);
            let half = save.half == Some(true);
            let asked = SaveSpec { ability, dc: act.casting.dc, half };
            let portion = self.portion(*target, Some(asked), saved);
            if !parts.is_empty() && portion != Portion::None {
                let leaves_one =
                    save.damage_leaves_one && self.combat.rules.edition == Edition::E51;
                let mercy = if leaves_one { Mercy::LeavesOne } else { Mercy::Nothing };
                let blow = Blow::of(Some(act.caster), *target, parts);
                let dealt = self.harm(Blow { portion, mercy, scalds: save.scalds, ..blow })?;
                if save.saps && !saved {
                    self.sap(act, *target, dealt);
                }
                if let Some(drain) = &save.drain {
                    self.drain(act, drain, *target)?;
                }
            }
            let ops = if saved { &save.success } else { &save.fail };
            self.carry_out(act, ops, &[(*target, cover)])?;
            if let Some(margin) = save.margin.as_ref().filter(|it| !saved && missed_by >= it.by) {
                self.carry_out(act, &margin.fail, &[(*target, cover)])?;
            }
            self.carry_out(act, &save.always, &[(*target, cover)])?;
        }
        Ok(())
    }

    fn save_of_op(
        &mut self,
        act: &Act,
        save: &SaveOp,
        target: CombatantId,
        cover: Cover,
    ) -> Flow<bool> {
        let any = |cases: &[Case]| cases.iter().any(|case| self.is_so(act, target, case));
        if any(&save.succeeds) {
            return Ok(true);
        }
        let ability = save.ability.unwrap_or(Ability::Con);
        if save.counters {
            return self.counter_check(act);
        }
        let dc = save.dc.unwrap_or(act.casting.dc);
        let test = self.test_of_op(act, save, target, cover);
        if save.is_check {
            let plain = Purpose::Ability { ability };
            let purpose = save.check.map_or(plain, |skill| Purpose::Check { skill });
            let total = self.test(target, purpose, test)?.total;
            return Ok(total >= i64::from(dc));
        }
        self.make_save(target, ability, dc, test, Purpose::Save { ability })
    }

    /// What the test is made with, whose save or check it is.
    fn test_of_op(&self, act: &Act, save: &SaveOp, target: CombatantId, cover: Cover) -> Test {
        let any = |cases: &[Case]| cases.iter().any(|case| self.is_so(act, target, case));
        let ability = save.ability.unwrap_or(Ability::Con);
        let mut test = if save.is_check {
            let ability = save.check.map_or(ability, crate::Skill::ability);
            self.view().check_test(target, ability, save.check)
        } else {
            let against = conditions_of(&save.fail);
            let by = Some(act.caster);
            let magical = act.casting.is_magical();
            self.view().save_test_against(target, ability, (by, &against, magical), cover)
        };
        if any(&save.fails) {
            test.fail();
        }
        if any(&save.advantage) {
            test.reason(RollMode::Advantage, act.casting.spell.as_str(), None);
        }
        if any(&save.disadvantage) {
            test.reason(RollMode::Disadvantage, act.casting.spell.as_str(), None);
        }
        test
    }

    /// Whom a spell does nothing to seems to have saved against it: what is told is a throw of who
    /// did, found by throwing until one does (SRD 5.2.1 "Invalid Targets"). It makes no save, so
    /// nothing follows. Whose player throws for it is not asked for a throw without a use: there the
    /// success alone is told.
    fn seem_to_save(&mut self, act: &Act, save: &SaveOp, (who, cover): (CombatantId, Cover)) {
        let ability = save.ability.unwrap_or(Ability::Con);
        let dc = save.dc.unwrap_or(act.casting.dc);
        let test = self.test_of_op(act, save, who, cover);
        let best = test.clone().roll(&mut Extreme::Most).roll.total;
        let rolled = !test.succeeds() && !test.fails() && best >= i64::from(dc);
        let throws = if rolled && !self.throws_itself(who) { SEEMING_THROWS } else { 0 };
        for _ in 0..throws {
            let test = test.clone();
            let roll = self.throw(|dice| test.roll(dice).roll);
            if roll.total >= i64::from(dc) {
                self.tell(Fact::Rolled { who, purpose: Purpose::Save { ability }, roll });
                break;
            }
        }
        self.tell(Fact::SaveMade { who, ability, dc, success: true });
    }

    fn damage_op(&mut self, act: &Act, op: &DamageOp, about: About<'_>) -> Flow<()> {
        let modifier = if op.modifier { act.casting.modifier } else { 0 };
        let dice = self.spell_damage(act, op.damage.as_deref().unwrap_or_default(), modifier);
        if about.is_empty() || dice.is_empty() {
            return Ok(());
        }
        let parts = self.damage_rolled(act.caster, &dice, act.critical)?;
        for (target, _) in about {
            if self.is_out_of_reach(act, *target) {
                continue;
            }
            let portion = if op.half { Portion::Half } else { Portion::Full };
            let dealt = self.deal(act.caster, *target, parts.clone(), portion)?;
            if op.feeds && dealt > 0 {
                self.heal(act.caster, dealt);
            }
            if op.drains && dealt > 1 {
                self.heal(act.caster, dealt / 2);
            }
        }
        Ok(())
    }

    /// Dice of a spell's damage as they have grown, each of its type or of the one chosen.
    pub(super) fn spell_damage(
        &self,
        act: &Act,
        parts: &[content::DamagePart],
        modifier: i32,
    ) -> Vec<DamageDice> {
        let chosen = act.casting.damage_type();
        let mut dice: Vec<DamageDice> = parts
            .iter()
            .filter_map(|part| {
                let kind = chosen.filter(|kind| part.types.contains(kind));
                let kind = kind.or(part.types.first().copied())?;
                Some(DamageDice { dice: part.dice_of(&act.casting), kind })
            })
            .collect();
        if let Some(first) = dice.first_mut() {
            first.dice = plus(&first.dice, modifier);
        }
        dice
    }

    fn amount(&mut self, act: &Act, amount: &Amount) -> Flow<i32> {
        let Some(dice) = &amount.dice else { return Ok(0) };
        let modifier = if amount.modifier == Some(true) { act.casting.modifier } else { 0 };
        let dice = plus(&scaled(dice, amount.scaling.as_ref(), &act.casting), modifier);
        if amount.greatest {
            return Ok(clamped(dice.maximum().unwrap_or(0)));
        }
        let roll = self.roll(act.caster, Purpose::Healing, |faces| dice.roll(faces))?;
        Ok(clamped(roll.total))
    }

    fn heal_op(&mut self, act: &Act, amount: &Amount, about: About<'_>) -> Flow<()> {
        if about.is_empty() {
            return Ok(());
        }
        let mut pool = if amount.all { i32::MAX } else { self.amount(act, amount)? };
        for (target, _) in about {
            let Some(hp) = self.combat.combatant(*target).map(|it| it.hp) else { continue };
            let lacks = self.view().max_hp(*target).saturating_sub(hp.current);
            let greatest = self.view().is(*target, ModifierKind::HealsMost);
            if let (true, Some(dice)) = (greatest, &amount.dice) {
                let dice = scaled(dice, amount.scaling.as_ref(), &act.casting);
                let modifier = if amount.modifier == Some(true) { act.casting.modifier } else { 0 };
                pool = clamped(dice.maximum().unwrap_or(0)).saturating_add(modifier);
            }
            let gets = if amount.shared || amount.all { pool.min(lacks) } else { pool };
            self.heal(*target, gets);
            if amount.shared {
                pool -= gets;
            }
        }
        Ok(())
    }

    /// Temporary hit points do not add up: the more of old and new stay (SRD 5.1 "Temporary Hit
    /// Points"; SRD 5.2.1 same).
    fn temp_hp_op(&mut self, act: &Act, amount: &Amount, about: About<'_>) -> Flow<()> {
        let temp = self.amount(act, amount)?;
        for (target, _) in about {
            self.give_temp_hp(*target, temp)?;
        }
        Ok(())
    }

    fn remove_op(&mut self, act: &Act, remove: &Remove, target: CombatantId) {
        let chosen = act.casting.word("condition").unwrap_or_default();
        let meant = |condition: &Condition| {
            remove.conditions.contains(condition) && (!remove.chosen || condition.name() == chosen)
        };
        let ends: Vec<EffectId> = self
            .combat
            .effects_on(target)
            .filter(|effect| {
                let template = &effect.template;
                let keyed = template.key.as_ref().is_some_and(|key| remove.keys.contains(key));
                let curse = remove.curses && template.is_curse();
                let reduces = remove.reductions && template.reduces();
                template.conditions.iter().any(meant) || keyed || curse || reduces
            })
            .map(|effect| effect.id)
            .collect();
        for id in ends {
            self.end(id, EndReason::Removed);
        }
        if remove.exhaustion && (!remove.chosen || chosen == "exhaustion") {
            self.rest_a_level(target);
        }
    }

    /// A die, and the row that its face falls into.
    fn table_op(&mut self, act: &Act, table: &Table, about: About<'_>) -> Flow<()> {
        let groups: Vec<About<'_>> =
            if table.once { vec![about] } else { about.chunks(1).collect() };
        for group in groups {
            let Some((first, _)) = group.first() else { continue };
            let who = if table.once { act.caster } else { *first };
            for _ in 0..THROWS {
                let face = self.face(who, table.sides, &act.casting.spell)?;
                if let Some((_, ops)) = table.rows.range(..=face).next_back() {
                    self.carry_out(act, ops, group)?;
                }
                if !std::mem::take(&mut self.again) {
                    break;
                }
            }
        }
        Ok(())
    }

    /// The face of a die that somebody throws for a spell.
    pub(super) fn face(&mut self, who: CombatantId, sides: u32, spell: &Key) -> Flow<u32> {
        let purpose = Purpose::Recharge { id: spell.clone() };
        let roll = self.roll(who, purpose, |dice| crate::dice::Roll::plain(sides, dice))?;
        Ok(roll.natural)
    }

    /// Hit points' worth of creatures, those with the fewest first (SRD 5.1 "Sleep", "Color Spray").
    fn pool_op(&mut self, act: &Act, pool: &Pool, about: About<'_>) -> Flow<()> {
        let dice = scaled(&pool.dice, pool.scaling.as_ref(), &act.casting);
        let roll = self.roll(act.caster, Purpose::Damage, |faces| dice.roll(faces))?;
        let mut left = clamped(roll.total);
        let mut order: Vec<(i32, CombatantId, Cover)> = about
            .iter()
            .filter(|(id, _)| pool.when.iter().all(|case| self.is_so(act, *id, case)))
            .filter_map(|(id, cover)| Some((self.combat.combatant(*id)?.hp.current, *id, *cover)))
            .collect();
        order.sort_unstable_by_key(|(hp, id, _)| (*hp, *id));
        for (hp, id, cover) in order {
            if hp > left {
                break;
            }
            left -= hp;
            self.carry_out(act, &pool.does, &[(id, cover)])?;
        }
        Ok(())
    }
}

/// Whether who succeeds on a save is as untouched as who was named in vain.
fn seems_resisted(save: &SaveOp) -> bool {
    let nothing = save.success.is_empty() && save.always.is_empty();
    nothing && save.half != Some(true) && !save.is_check && !save.counters
}

/// The conditions that words bring.
fn conditions_of(ops: &[Op]) -> Vec<Condition> {
    let effects = ops.iter().filter_map(|op| match op {
        Op::Effect(effect) => Some(&effect.conditions),
        _ => None,
    });
    effects.flatten().copied().collect()
}

fn clamped(total: i64) -> i32 {
    i32::try_from(total.max(0)).unwrap_or(i32::MAX)
}

/// The most that dice can come to.
fn greatest_of(dice: &[DamageDice]) -> Vec<DamagePart> {
    let most = |part: &DamageDice| clamped(part.dice.maximum().unwrap_or(0));
    let part = |it: &DamageDice| (it.kind, most(it));
    let parts: Vec<(DamageType, i32)> = dice.iter().map(part).collect();
    parts.into_iter().map(|(kind, rolled)| DamagePart { kind, rolled, applied: 0 }).collect()
}

/// The name under which an effect without a casting does what it does.
pub(super) fn nameless() -> Option<Key> {
    Key::parse("effect").ok()
}
