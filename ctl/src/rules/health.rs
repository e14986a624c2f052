//! Suites of damage, healing and what happens at 0 hit points.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use gss_rules::DamageType;
use gss_rules::combat::{
    AtZero, CombatantKind, Guard, HitPoints, Life, Portion, after_death_save, damage, death_save,
    heal,
};
use gss_rules::effect::Quality;
use serde::Deserialize;
use serde_json::{Value, json};

use super::play::Play;
use super::stage::{OTHER, Stage, block};
use super::suites::Suite;

pub(super) const SUITES: &[Suite] = &[
    ("damage", defended),
    ("damage_temp_hp", defended),
    ("damage_flat", adjusted),
    ("damage_half_on_save", halved),
    ("damage_multi", several),
    ("damage_at_0hp", at_zero),
    ("death_save", saved),
    ("healing", healed),
    ("temp_hp", gained),
];

#[derive(Deserialize)]
struct Defended {
    damage: i32,
    resistant: bool,
    vulnerable: bool,
    immune: bool,
    hp: i32,
    hp_max: i32,
    temp_hp: i32,
}

fn defended(play: &mut Play<'_>) -> Result<Value> {
    let inputs: Defended = play.inputs()?;
    let guard = Guard {
        adjustment: 0,
        resistant: inputs.resistant,
        vulnerable: inputs.vulnerable,
        immune: inputs.immune,
    };
    let dealt = guard.applied(inputs.damage, Portion::Full);
    let hp = HitPoints { current: inputs.hp, max: inputs.hp_max, temp: inputs.temp_hp };
    let harm = damage(hp, Life::Alive, AtZero::Saves, dealt, false);
    Ok(json!({
        "dealt": dealt, "temp_hp_after": harm.hp.temp, "hp_after": harm.hp.current,
        "overkill": harm.overkill
    }))
}

#[derive(Deserialize)]
struct Adjusted {
    damage: i32,
    flat_adjustment: i32,
    resistant: bool,
    vulnerable: bool,
}

fn adjusted(play: &mut Play<'_>) -> Result<Value> {
    let inputs: Adjusted = play.inputs()?;
    let guard = Guard {
        adjustment: inputs.flat_adjustment,
        resistant: inputs.resistant,
        vulnerable: inputs.vulnerable,
        immune: false,
    };
    Ok(json!({ "dealt": guard.applied(inputs.damage, Portion::Full) }))
}

#[derive(Deserialize)]
struct Halved {
    rolled: i32,
    save_succeeded: bool,
    on_success: String,
    resistant: bool,
    vulnerable: bool,
}

fn halved(play: &mut Play<'_>) -> Result<Value> {
    let inputs: Halved = play.inputs()?;
    let portion = Portion::after(inputs.save_succeeded, inputs.on_success == "half");
    let guard =
        Guard { resistant: inputs.resistant, vulnerable: inputs.vulnerable, ..Guard::default() };
    Ok(json!({ "dealt": guard.applied(inputs.rolled, portion) }))
}

#[derive(Deserialize)]
struct Several {
    parts: BTreeMap<DamageType, i32>,
    resistances: Vec<String>,
    #[serde(default)]
    vulnerabilities: Vec<DamageType>,
    #[serde(default)]
    immunities: Vec<DamageType>,
    #[serde(default)]
    attack_is_magical: bool,
}

/// What a case calls the resistance to ordinary weapons.
const NONMAGICAL: &str = "nonmagical bludgeoning/piercing/slashing";

fn several(play: &mut Play<'_>) -> Result<Value> {
    let inputs: Several = play.inputs()?;
    let weapons = [DamageType::Bludgeoning, DamageType::Piercing, DamageType::Slashing];
    let every: Vec<&DamageType> = inputs.parts.keys().collect();
    let resistances: Vec<Value> = inputs
        .resistances
        .iter()
        .map(|against| match against.as_str() {
            "ALL" => json!({ "types": every }),
            NONMAGICAL => json!({ "types": weapons, "unless": ["magical"] }),
            kind => json!({ "types": [kind] }),
        })
        .collect();
    let each = |kinds: &[DamageType]| -> Vec<Value> {
        kinds.iter().map(|kind| json!({ "types": [kind] })).collect()
    };
    let target = json!({
        "resistances": resistances, "vulnerabilities": each(&inputs.vulnerabilities),
        "immunities": each(&inputs.immunities)
    });
    let kind = CombatantKind::Monster;
    let (actor, other) = ((kind, block(&json!({}))?), (kind, block(&target)?));
    let stage = Stage::new(&play.rules, actor, other, 5)?;
    let qualities: &[Quality] = if inputs.attack_is_magical { &[Quality::Magical] } else { &[] };
    let mut by_type = BTreeMap::new();
    let mut dealt = 0;
    for (kind, rolled) in &inputs.parts {
        let guard = stage.view().guard(OTHER, *kind, qualities);
        let applied = guard.applied(*rolled, Portion::Full);
        by_type.insert(*kind, applied);
        dealt += applied;
    }
    Ok(json!({ "by_type": by_type, "dealt": dealt }))
}

#[derive(Deserialize)]
struct Down {
    hp_max: i32,
    #[serde(default)]
    successes: u8,
    #[serde(default)]
    failures: u8,
    #[serde(default)]
    stable: bool,
    damage: i32,
    critical: bool,
}

fn at_zero(play: &mut Play<'_>) -> Result<Value> {
    let inputs: Down = play.inputs()?;
    let hp = HitPoints { current: 0, max: inputs.hp_max, temp: 0 };
    let (successes, failures) = (inputs.successes, inputs.failures);
    let life = if inputs.stable { Life::Stable } else { Life::Dying { successes, failures } };
    let harm = damage(hp, life, AtZero::Saves, inputs.damage, inputs.critical);
    Ok(match harm.life {
        Life::Dead if harm.massive => {
            json!({ "outcome": "dead", "cause": "massive_damage" })
        }
        Life::Dead => json!({ "outcome": "dead", "cause": "death_save_failures" }),
        life => outcome(life),
    })
}

fn outcome(life: Life) -> Value {
    match life {
        Life::Dying { successes, failures } => json!({
            "outcome": "ongoing", "stable": false, "successes": successes, "failures": failures
        }),
        Life::Stable => {
            json!({ "outcome": "stable", "stable": true, "successes": 0, "failures": 0 })
        }
        Life::Alive => json!({ "outcome": "regain_1_hp", "successes": 0, "failures": 0 }),
        Life::Dead => json!({ "outcome": "dead" }),
    }
}

#[derive(Deserialize)]
struct Saves {
    successes: u8,
    failures: u8,
}

fn saved(play: &mut Play<'_>) -> Result<Value> {
    let inputs: Saves = play.inputs()?;
    let (successes, failures) = (inputs.successes, inputs.failures);
    let tested = gss_rules::combat::Test::default().roll(&mut play.dice);
    let save = death_save(tested.natural, tested.roll.total);
    let hp = HitPoints { current: 0, max: 20, temp: 0 };
    let (hp, life) = after_death_save(hp, Life::Dying { successes, failures }, save);
    let mut answer = outcome(life);
    answer["hp"] = hp.current.into();
    Ok(answer)
}

#[derive(Deserialize)]
struct Gained {
    temp_hp: i32,
    granted: i32,
}

/// What somebody with temporary hit points comes to by choosing, each way that is offered.
fn gained(play: &mut Play<'_>) -> Result<Value> {
    let inputs: Gained = play.inputs()?;
    let target = json!({ "hp": { "current": 20, "max": 20, "temp": inputs.temp_hp } });
    let mut results = BTreeSet::new();
    for choice in ["keep", "replace"] {
        let kind = CombatantKind::Character;
        let actor = (kind, block(&json!({}))?);
        let mut stage = Stage::new(&play.rules, actor, (kind, block(&target)?), 5)?;
        stage.give_temp_hp(OTHER, inputs.granted, choice)?;
        results.insert(stage.combatant(OTHER)?.hp.temp);
    }
    let sum = inputs.temp_hp + inputs.granted;
    let never = (!results.contains(&sum)).then_some(sum);
    Ok(json!({ "allowed_results": results, "never": never }))
}

#[derive(Deserialize)]
struct Healed {
    hp: i32,
    hp_max: i32,
    healing: i32,
    death_saves: [u8; 2],
}

fn healed(play: &mut Play<'_>) -> Result<Value> {
    let inputs: Healed = play.inputs()?;
    let hp = HitPoints { current: inputs.hp, max: inputs.hp_max, temp: 0 };
    let [successes, failures] = inputs.death_saves;
    let before = if inputs.hp > 0 { Life::Alive } else { Life::Dying { successes, failures } };
    let (hp, life) = heal(hp, before, inputs.healing);
    let saves = match life {
        Life::Dying { successes, failures } => [successes, failures],
        Life::Alive | Life::Stable | Life::Dead => [0, 0],
    };
    Ok(json!({
        "hp_after": hp.current, "regained": hp.current - inputs.hp,
        "conscious": life == Life::Alive, "death_saves": saves
    }))
}
