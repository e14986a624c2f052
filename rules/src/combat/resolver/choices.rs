//! What a spell leaves to its caster to choose (SRD 5.1 "Casting a Spell"; SRD 5.2.1 same).

use std::collections::BTreeMap;

use super::Resolver;
use crate::Key;
use crate::combat::Refusal;
use crate::effect::{Casting, Choice, Chosen, EffectSpec, March, Modifier, Op};

/// Choices of one casting: each is kept by the effects that it leaves.
const CHOICES: usize = 16;

/// Characters or numbers of one choice.
const CHOICE_LENGTH: usize = 200;

impl Resolver<'_> {
    /// That every choice which words leave to the caster is made.
    pub(super) fn may_choose(&self, ops: &[Op], casting: &Casting) -> Result<(), Refusal> {
        let large = casting.choices.iter().find(|(_, choice)| choice.length() > CHOICE_LENGTH);
        if let Some((of, _)) = large.or(casting.choices.iter().nth(CHOICES)) {
            return Err(Refusal::InvalidChoice { of: of.clone() });
        }
        ops.iter().try_for_each(|op| chosen(op, casting))
    }
}

/// The choices of a casting as what it left is used. What was chosen stays, and where it leads to
/// was chosen with it; only what the words of the use leave open is chosen each time.
pub(super) fn chosen_anew(
    made: &BTreeMap<Key, Choice>,
    asked: &BTreeMap<Key, Choice>,
    does: &[Op],
) -> BTreeMap<Key, Choice> {
    let mut choices = made.clone();
    for (of, choice) in asked {
        let leads = |op: &Op| matches!(op, Op::Teleport(it) if it.to.as_ref() == Some(of));
        let kept = made.contains_key(of) || does.iter().any(leads);
        if !kept || does.iter().any(|op| leaves_open(op, of)) {
            choices.insert(of.clone(), choice.clone());
        }
    }
    choices
}

/// Whether a word or one within it leaves this open each time.
fn leaves_open(op: &Op, of: &Key) -> bool {
    let any = |ops: &[Op]| ops.iter().any(|op| leaves_open(op, of));
    match op {
        Op::Choose(choose) => {
            choose.of == *of || any(&choose.first) || choose.among.values().any(|ops| any(ops))
        }
        Op::March(March::Chosen(way)) => way == of,
        Op::TakeForm => of.as_str() == "form",
        Op::Carry(_) => of.as_str() == "up",
        Op::Strike | Op::Weapon(_) => of.as_str() == "attack",
        Op::Save(save) => any(&save.fail) || any(&save.success) || any(&save.always),
        Op::Attack(attack) => any(&attack.hit) || any(&attack.miss),
        Op::Contest(contest) => any(&contest.win) || any(&contest.lose),
        Op::If(branch) => any(&branch.then) || any(&branch.otherwise),
        _ => false,
    }
}

/// That what a word and those within it leave open is chosen. What an effect lets its bearer do is
/// chosen when that is done.
fn chosen(op: &Op, casting: &Casting) -> Result<(), Refusal> {
    let all = |ops: &[Op]| ops.iter().try_for_each(|op| chosen(op, casting));
    match op {
        Op::Choose(choose) => {
            all(&choose.first)?;
            let word = casting.word(choose.of.as_str());
            match word.and_then(|word| choose.among.get(word)) {
                Some(ops) => all(ops),
                None => Err(Refusal::InvalidChoice { of: choose.of.clone() }),
            }
        }
        Op::Effect(effect) => {
            modified(effect, casting)?;
            effect.triggers.iter().try_for_each(|trigger| all(&trigger.does))
        }
        Op::Save(save) => {
            [&save.fail, &save.success, &save.always].into_iter().try_for_each(|ops| all(ops))
        }
        Op::Attack(attack) => all(&attack.hit).and_then(|()| all(&attack.miss)),
        Op::If(branch) => all(&branch.then).and_then(|()| all(&branch.otherwise)),
        Op::BySlot(levels) => match levels.range(..=casting.slot).next_back() {
            Some((_, ops)) => all(ops),
            None => Ok(()),
        },
        Op::OnCaster(ops) | Op::Bite(ops) | Op::Inside(ops) | Op::Lash(ops) => all(ops),
        Op::Bearers(bearers) => all(&bearers.does),
        Op::About(about) => all(&about.does),
        Op::Contest(contest) => all(&contest.win).and_then(|()| all(&contest.lose)),
        Op::Around(around) => all(&around.does),
        Op::Count(count) => all(&count.then),
        Op::Pool(pool) => all(&pool.does),
        Op::Table(table) => table.rows.values().try_for_each(|ops| all(ops)),
        _ => Ok(()),
    }
}

/// That what the modifiers of an effect are about is chosen where it is the caster's choice.
fn modified(effect: &EffectSpec, casting: &Casting) -> Result<(), Refusal> {
    let zone = effect.zone.iter().flat_map(|zone| &zone.modifiers);
    effect.modifiers.iter().chain(zone).try_for_each(|modifier: &Modifier| {
        let (of, made) = match modifier.chosen {
            None => return Ok(()),
            Some(Chosen::DamageType) => ("damage_type", casting.damage_type().is_some()),
            Some(Chosen::Ability) => ("ability", casting.ability().is_some()),
            Some(Chosen::Skill) => ("skill", casting.skill().is_some()),
        };
        match Key::parse(of) {
            Ok(of) if !made => Err(Refusal::InvalidChoice { of }),
            _ => Ok(()),
        }
    })
}
