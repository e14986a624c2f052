//! Suites of attacks, saves and the d20.

use anyhow::{Context as _, Result};
use gss_rules::combat::{CombatantId, CombatantKind, Fact, Guard, Portion, Refusal, Test, hits};
use gss_rules::dice::RollMode;
use gss_rules::space::Cover;
use gss_rules::{Ability, Condition, Expression};
use serde::Deserialize;
use serde_json::{Value, json};

use super::play::Play;
use super::stage::{ACTOR, OTHER, Stage, WITNESS, attack, block, strike};
use super::suites::Suite;

pub(super) const SUITES: &[Suite] = &[
    ("attack_conditions", under_conditions),
    ("save_conditions", save_under_conditions),
    ("attack_roll", behind_cover),
    ("d20_mode", mode),
    ("crit_damage", critical_damage),
];

#[derive(Deserialize)]
struct Attack {
    attacker_conditions: Vec<Condition>,
    #[serde(default)]
    target_conditions: Vec<Condition>,
    weapon: String,
    distance_ft: i32,
    #[serde(default)]
    attack_bonus: i32,
    #[serde(default = "one")]
    damage: String,
    target_ac: Option<i32>,
    target_hp: Option<i32>,
    #[serde(default)]
    target_is_the_grappler: bool,
    #[serde(default)]
    charmer_is_target: bool,
    fear_source_visible: Option<bool>,
}

fn one() -> String {
    "1".to_owned()
}

fn under_conditions(play: &mut Play<'_>) -> Result<Value> {
    let inputs: Attack = play.inputs()?;
    let weapon = attack(&inputs.weapon, inputs.attack_bonus, &inputs.damage);
    let hp = inputs.target_hp.unwrap_or(100);
    let target = json!({
        "ac": inputs.target_ac.unwrap_or(10), "hp": {"current": hp, "max": hp, "temp": 0}
    });
    let actor = (CombatantKind::Monster, block(&json!({ "attacks": [weapon] }))?);
    let other = (CombatantKind::Monster, block(&target)?);
    let mut stage = Stage::new(&play.rules, actor, other, inputs.distance_ft)?;
    for condition in &inputs.attacker_conditions {
        stage.afflict(ACTOR, *condition, inputs.source_of(*condition))?;
    }
    for condition in &inputs.target_conditions {
        stage.afflict(OTHER, *condition, None)?;
    }
    let facts = match stage.play(strike(false)?, &mut play.dice)? {
        Ok(facts) => facts,
        Err(Refusal::CannotAct { .. }) => {
            return Ok(json!({ "allowed": false, "reason": "incapacitated" }));
        }
        Err(Refusal::CharmedByTarget) => {
            return Ok(json!({ "allowed": false, "reason": "charmed" }));
        }
        Err(refusal) => return Err(refusal.into()),
    };
    told(&facts)
}

impl Attack {
    /// Whose doing a condition of the attacker is.
    fn source_of(&self, condition: Condition) -> Option<CombatantId> {
        match condition {
            Condition::Grappled if self.target_is_the_grappler => Some(OTHER),
            Condition::Charmed if self.charmer_is_target => Some(OTHER),
            Condition::Frightened if self.fear_source_visible != Some(false) => Some(WITNESS),
            _ => None,
        }
    }
}

/// An attack as the facts tell it.
pub(super) fn told(facts: &[Fact]) -> Result<Value> {
    let roll = facts.iter().find_map(|fact| match fact {
        Fact::Rolled { roll, .. } => Some(roll),
        _ => None,
    });
    let made = facts.iter().find_map(|fact| match fact {
        Fact::AttackMade { hit, critical, .. } => Some((*hit, *critical)),
        _ => None,
    });
    let damage: i32 = facts
        .iter()
        .map(|fact| match fact {
            Fact::Damaged { parts, .. } => parts.iter().map(|part| part.applied).sum(),
            _ => 0,
        })
        .sum();
    let (roll, (hit, critical)) = roll.zip(made).context("an attack roll")?;
    Ok(json!({
        "allowed": true, "mode": roll.mode, "natural": roll.kept[0], "total": roll.total,
        "hit": hit, "critical": critical, "damage": damage
    }))
}

#[derive(Deserialize)]
struct Covered {
    target_ac: i32,
    #[serde(default)]
    attack_bonus: i32,
    cover: Option<Cover>,
    #[serde(default)]
    covers: Vec<Cover>,
    damage: Option<Expression>,
}

fn behind_cover(play: &mut Play<'_>) -> Result<Value> {
    let inputs: Covered = play.inputs()?;
    let cover = inputs.covers.iter().copied().chain(inputs.cover).max().unwrap_or_default();
    if cover.bonus().is_none() {
        return Ok(json!({ "allowed": false, "reason": "total_cover" }));
    }
    let kind = CombatantKind::Monster;
    let target = block(&json!({ "ac": inputs.target_ac }))?;
    let stage = Stage::new(&play.rules, (kind, block(&json!({}))?), (kind, target), 5)?;
    let ac = stage.view().armor_class(OTHER, cover);
    let mut answer = json!({ "cover": cover, "effective_ac": ac });
    let Some(damage) = inputs.damage else { return Ok(answer) };
    let tested = Test::new(inputs.attack_bonus, "case").roll(&mut play.dice);
    let (hit, critical) = hits(tested.natural, tested.roll.total, ac);
    let dealt = match (hit, critical) {
        (false, _) => 0,
        (true, false) => damage.roll(&mut play.dice).total,
        (true, true) => damage.roll_critical(&mut play.dice).total,
    };
    for (name, value) in [
        ("total", json!(tested.roll.total)),
        ("hit", json!(hit)),
        ("critical", json!(critical)),
        ("damage", json!(dealt)),
    ] {
        answer[name] = value;
    }
    Ok(answer)
}

#[derive(Deserialize)]
struct Save {
    ability: Ability,
    dc: i32,
    bonus: i32,
    conditions: Vec<Condition>,
}

fn save_under_conditions(play: &mut Play<'_>) -> Result<Value> {
    let inputs: Save = play.inputs()?;
    let actor = block(&json!({ "saves": { (ability_name(inputs.ability)?): inputs.bonus } }))?;
    let other = block(&json!({}))?;
    let kind = CombatantKind::Monster;
    let mut stage = Stage::new(&play.rules, (kind, actor), (kind, other), 5)?;
    for condition in &inputs.conditions {
        let source = (*condition == Condition::Frightened).then_some(WITNESS);
        stage.afflict(ACTOR, *condition, source)?;
    }
    let test = stage.view().save_test(ACTOR, inputs.ability);
    if test.fails() {
        return Ok(json!({ "auto_fail": true, "success": false, "dice_rolled": 0 }));
    }
    let tested = test.roll(&mut play.dice);
    Ok(json!({
        "auto_fail": false, "mode": tested.roll.mode, "total": tested.roll.total,
        "success": tested.roll.total >= i64::from(inputs.dc), "dice_rolled": tested.roll.faces.len()
    }))
}

fn ability_name(ability: Ability) -> Result<String> {
    let name = serde_json::to_value(ability)?;
    Ok(name.as_str().context("a name")?.to_owned())
}

#[derive(Deserialize)]
struct Mode {
    advantage_sources: usize,
    disadvantage_sources: usize,
    modifier: i32,
}

fn mode(play: &mut Play<'_>) -> Result<Value> {
    let inputs: Mode = play.inputs()?;
    let mut test = Test::new(inputs.modifier, "case");
    let sides = [
        (inputs.advantage_sources, RollMode::Advantage),
        (inputs.disadvantage_sources, RollMode::Disadvantage),
    ];
    for (count, gives) in sides {
        for _ in 0..count {
            test.reason(gives, "case", None);
        }
    }
    let tested = test.roll(&mut play.dice);
    Ok(json!({
        "mode": tested.roll.mode, "dice_rolled": tested.roll.faces.len(),
        "kept": tested.natural, "total": tested.roll.total
    }))
}

#[derive(Deserialize)]
struct Damage {
    damage: Expression,
    critical: bool,
}

fn critical_damage(play: &mut Play<'_>) -> Result<Value> {
    let inputs: Damage = play.inputs()?;
    let dice = &mut play.dice;
    let roll =
        if inputs.critical { inputs.damage.roll_critical(dice) } else { inputs.damage.roll(dice) };
    let rolled = i32::try_from(roll.total)?.max(0);
    let total = Guard::default().applied(rolled, Portion::Full);
    Ok(json!({ "dice_rolled": roll.faces.len(), "total": total }))
}
