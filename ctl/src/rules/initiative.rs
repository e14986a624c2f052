//! The suite of initiative: combats begun with the counts or the dice of a case.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};
use gss_rules::combat::{Combatant, CombatantId, CombatantKind, Command, Fact};
use gss_rules::space::Square;
use gss_rules::{Condition, Dice, MovementMode, TieDecidedBy};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::play::Play;
use super::stage::{Stage, block};
use super::suites::Suite;

pub(super) const SUITES: &[Suite] = &[("initiative", initiative)];

#[derive(Deserialize)]
#[serde(untagged)]
enum Case {
    Totals {
        totals: BTreeMap<String, i32>,
    },
    Tie {
        tie_between: Vec<String>,
    },
    Group {
        identical_monsters: u32,
    },
    Roll {
        state: String,
        #[serde(default)]
        dex_mod: Option<i32>,
    },
}

fn initiative(play: &mut Play<'_>) -> Result<Value> {
    match play.inputs()? {
        Case::Totals { totals } => ordered(play, &totals),
        Case::Tie { tie_between } => {
            let characters = tie_between.iter().all(|kind| kind == "character");
            let decides = match TieDecidedBy::of(characters) {
                TieDecidedBy::Players => "the players decide",
                TieDecidedBy::GameMaster => "the GM decides",
            };
            Ok(json!({ "order_chosen_by": decides }))
        }
        Case::Group { identical_monsters } => shared(play, identical_monsters),
        Case::Roll { state, dex_mod } => match dex_mod {
            Some(bonus) => rolled(play, &state, bonus),
            None => surprised(play, &state),
        },
    }
}

fn named(number: u32) -> CombatantId {
    CombatantId(Uuid::from_u128(u128::from(number) + 1))
}

/// Somebody beside the others, to be changed.
fn somebody(number: u32, side: &str, said: &Value) -> Result<Combatant> {
    let block = std::sync::Arc::new(block(said)?);
    let x = i32::try_from(number)?;
    let kind = CombatantKind::Monster;
    Ok(Combatant {
        position: Some(Square { x, y: 0 }),
        ..Combatant::new(named(number), side, kind, side, block)
    })
}

fn ordered(play: &Play<'_>, totals: &BTreeMap<String, i32>) -> Result<Value> {
    let mut all = Vec::new();
    for (number, total) in (0..).zip(totals.values()) {
        all.push(Combatant { initiative: Some(*total), ..somebody(number, "all", &json!({}))? });
    }
    let mut stage = Stage::of(&play.rules, all)?;
    stage.set(Command::Begin)?;
    let names: Vec<&String> = totals.keys().collect();
    let place = |id: &CombatantId| usize::try_from(id.0.as_u128() - 1).ok();
    let order: Vec<_> = stage.combat.order.iter().filter_map(|id| names.get(place(id)?)).collect();
    Ok(json!({ "order": order }))
}

/// Every die shows its half.
struct Halves;

impl Dice for Halves {
    fn roll(&mut self, sides: u32) -> u32 {
        sides.div_ceil(2)
    }
}

fn shared(play: &Play<'_>, count: u32) -> Result<Value> {
    let mut all = Vec::new();
    for number in 0..count {
        let group = Some("same".to_owned());
        all.push(Combatant { group, ..somebody(number, "all", &json!({}))? });
    }
    let mut stage = Stage::of(&play.rules, all)?;
    let facts = stage.play(Command::Begin, &mut Halves)??;
    let rolls = facts.iter().filter(|fact| matches!(fact, Fact::Rolled { .. })).count();
    let mut counts: Vec<_> = stage.combat.combatants.values().map(|who| who.initiative).collect();
    counts.dedup();
    Ok(json!({ "initiative_rolls": rolls, "share": counts.len() == 1 }))
}

fn rolled(play: &mut Play<'_>, state: &str, bonus: i32) -> Result<Value> {
    let states: Vec<&str> = state.split('+').collect();
    let said = json!({ "initiative_bonus": bonus });
    let surprised = states.contains(&"surprised");
    let who = Combatant { surprised, ..somebody(0, "all", &said)? };
    let mut stage = Stage::of(&play.rules, vec![who])?;
    for state in states.iter().filter(|state| !matches!(**state, "surprised" | "normal")) {
        let condition: Condition = serde_json::from_value(json!(state))?;
        stage.afflict(named(0), condition, None)?;
    }
    let facts = stage.play(Command::Begin, &mut play.dice)??;
    let roll = facts.iter().find_map(|fact| match fact {
        Fact::Rolled { roll, .. } => Some(roll),
        _ => None,
    });
    let roll = roll.context("a roll")?;
    Ok(json!({ "mode": roll.mode, "total": roll.total }))
}

/// Somebody surprised, whose turn comes after that of an enemy beside it.
fn surprised(play: &Play<'_>, state: &str) -> Result<Value> {
    if state != "surprised" {
        bail!("the state `{state}` is not known");
    }
    let first = Combatant { initiative: Some(20), ..somebody(0, "a", &json!({}))? };
    let second = Combatant { surprised: true, ..somebody(1, "b", &json!({}))? };
    let mut stage = Stage::of(&play.rules, vec![first, second])?;
    let facts = stage.play(Command::Begin, &mut Halves)??;
    let mode = facts.iter().find_map(|fact| match fact {
        Fact::Rolled { roll, .. } => Some(roll.mode),
        _ => None,
    });
    let walk = |who, path: &[[i32; 2]]| Command::Move {
        who,
        mode: MovementMode::Walk,
        path: path.iter().copied().map(Square::from).collect(),
        drag: Vec::new(),
        elevation_ft: None,
    };
    let (one, other) = (named(0), named(1));
    let asked = stage.asks(walk(one, &[[0, 1], [0, 2], [0, 3]]), &mut Halves)??;
    stage.set(Command::EndTurn { who: one })?;
    let moves = stage.play(walk(other, &[[1, 1]]), &mut Halves)?.is_ok();
    let acts = stage.play(Command::Dodge { who: other }, &mut Halves)?.is_ok();
    let first_turn = match (moves, acts) {
        (false, false) => "no move, no action",
        (true, false) => "no action",
        (false, true) => "no move",
        (true, true) => "as others",
    };
    let mut answer = json!({
        "mode": mode, "first_turn": first_turn, "reactions_before_that_turn_ends": asked
    });
    if moves || acts {
        answer["reactions_before_that_turn_ends"] = json!(null);
    }
    Ok(answer)
}
