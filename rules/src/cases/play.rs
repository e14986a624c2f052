//! Playing a case.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::state::{covers, different};
use super::{Case, Doing, Face, Failure, Participant};
use crate::combat::{
    Actor, Combat, Combatant, CombatantId, CombatantKind, Command, Input, Rulebook, View, decide,
};
use crate::effect::{Duration, EffectTemplate};
use crate::space::Grid;
use crate::{Dice, RuleSet};

/// Columns and rows of a map that the case says nothing about.
const SIDE: i32 = 30;

/// Plays a case with the rulebook of its edition.
///
/// # Errors
/// What is not as the case states it.
pub fn run(case: &Case, book: &Rulebook) -> Result<(), Failure> {
    run_by(case, RuleSet::of(case.edition), book)
}

/// Plays a case by other rules than those of its edition.
///
/// # Errors
/// What is not as the case states it.
pub fn run_by(case: &Case, rules: RuleSet, book: &Rulebook) -> Result<(), Failure> {
    let fails = |(place, why): (String, String)| Failure { case: case.id.clone(), place, why };
    let mut table = Table::new(case, rules, book).map_err(|why| fails(("who".to_owned(), why)))?;
    for (index, step) in case.steps.iter().enumerate() {
        let answered =
            case.steps.get(index + 1).is_some_and(|next| next.what.contains_key("answer"));
        table
            .play(step, answered)
            .and_then(|()| table.holds(&step.then))
            .map_err(|why| fails((format!("do {}", index + 1), why)))?;
    }
    table.holds(&case.then).map_err(|why| fails(("then".to_owned(), why)))
}

/// Faces as stated; what does not fit is noted.
struct Script<'f> {
    faces: std::slice::Iter<'f, Face>,
    wrong: Option<String>,
}

impl Dice for Script<'_> {
    fn roll(&mut self, sides: u32) -> u32 {
        let Some(face) = self.faces.next() else {
            self.wrong.get_or_insert_with(|| format!("a d{sides} more than stated is thrown"));
            return 1;
        };
        let (stated, face) = match face {
            Face::Any(face) => (sides, *face),
            Face::Of(text) => text
                .split_once(':')
                .and_then(|(sides, face)| Some((sides.parse().ok()?, face.parse().ok()?)))
                .unwrap_or((0, 0)),
        };
        if stated != sides || !(1..=sides).contains(&face) {
            self.wrong.get_or_insert_with(|| format!("{face} of d{stated} for a d{sides}"));
            return 1;
        }
        face
    }
}

struct Table<'b> {
    combat: Combat,
    book: &'b Rulebook,
    names: BTreeMap<String, CombatantId>,
    /// What the last step told.
    told: Vec<Value>,
}

impl<'b> Table<'b> {
    fn new(case: &Case, rules: RuleSet, book: &'b Rulebook) -> Result<Self, String> {
        let grid = match &case.grid {
            None => Grid::open(SIDE, SIDE),
            Some(Value::Array(sides)) => {
                let side = |index: usize| {
                    sides.get(index).and_then(Value::as_i64).and_then(|it| i32::try_from(it).ok())
                };
                let (width, height) = (side(0), side(1));
                Grid::open(width.ok_or("no width")?, height.ok_or("no height")?)
            }
            Some(grid) => {
                serde_json::from_value(grid.clone()).map_err(|error| error.to_string())?
            }
        };
        let numbered = case.who.keys().zip(1_u128..);
        let names =
            numbered.map(|(name, it)| (name.clone(), CombatantId(Uuid::from_u128(it)))).collect();
        let combat = Combat::new(rules, grid);
        let mut table = Self { combat, book, names, told: Vec::new() };
        for ((name, who), place) in case.who.iter().zip(0..) {
            let combatant =
                table.combatant(name, who, place).map_err(|why| format!("{name}: {why}"))?;
            let combatant = Box::new(combatant);
            table.command(Command::AddCombatant { combatant }, &[])?;
        }
        for (name, who) in &case.who {
            for condition in &who.conditions {
                let effect = EffectTemplate::condition(*condition, Duration::Permanent);
                let targets = table.names.get(name).copied().into_iter().collect();
                let effect = Box::new(effect);
                table.command(Command::ApplyEffect { effect, source: None, targets }, &[])?;
            }
        }
        table.command(Command::Begin, &[])?;
        Ok(table)
    }

    fn combatant(&self, name: &str, who: &Participant, place: i32) -> Result<Combatant, String> {
        let id = self.names.get(name).copied().ok_or("no name")?;
        let mut block = match &who.monster {
            Some(key) => {
                let monster = self.book.content.monsters.get(key).ok_or("no such creature")?;
                serde_json::to_value(&monster.block).map_err(|error| error.to_string())?
            }
            None => json!({
                "size": "medium",
                "abilities": {"str": 10, "dex": 10, "con": 10, "int": 10, "wis": 10, "cha": 10},
                "ac": 10,
                "hp": {"current": 100, "max": 100, "temp": 0},
                "speeds": {"walk": 30}
            }),
        };
        merge(&mut block, who.block.clone());
        let block = serde_path_to_error::deserialize(block).map_err(|error| error.to_string())?;
        let side = who.side.as_deref().unwrap_or(name);
        let kind = CombatantKind::Monster;
        let mut combatant = Combatant {
            monster: who.monster.clone(),
            position: who.at.map(Into::into),
            initiative: Some(100 - place),
            ..Combatant::new(id, name, kind, side, Arc::new(block))
        };
        if let Some(hp) = who.hp {
            combatant.hp.current = hp;
            combatant.hp.max = combatant.hp.max.max(hp);
        }
        let mut value = serde_json::to_value(&combatant).map_err(|error| error.to_string())?;
        merge(&mut value, self.named(who.other.clone()));
        serde_path_to_error::deserialize(value).map_err(|error| error.to_string())
    }

    /// Puts ids where the case's names stand.
    fn named(&self, members: Map<String, Value>) -> Map<String, Value> {
        let named = |(key, value)| {
            // A key of content is no combatant, whatever it is called.
            let plain = ["attack", "spell", "option"].contains(&String::as_str(&key));
            let value = match value {
                Value::String(_) if plain => value,
                value => self.with_ids(value),
            };
            (key, value)
        };
        members.into_iter().map(named).collect()
    }

    fn with_ids(&self, value: Value) -> Value {
        match value {
            Value::String(name) => match self.names.get(&name) {
                Some(id) => Value::String(id.0.to_string()),
                None => Value::String(name),
            },
            Value::Array(all) => {
                Value::Array(all.into_iter().map(|it| self.with_ids(it)).collect())
            }
            Value::Object(members) => Value::Object(self.named(members)),
            plain => plain,
        }
    }

    fn play(&mut self, step: &Doing, answered: bool) -> Result<(), String> {
        let by = step.player.map_or(Actor::Gm, Actor::Player);
        let mut what = self.named(step.what.clone());
        let input = match what.remove("answer") {
            Some(answer) => {
                let prompt = self.combat.prompt().ok_or("no question is open")?.id;
                let answer = serde_path_to_error::deserialize(answer)
                    .map_err(|error| format!("answer: {error}"))?;
                Input::Answer { by, prompt, answer }
            }
            None => {
                // A command without members is a word: `{"begin": {}}`.
                let word = what.iter().next().filter(|(_, value)| **value == json!({}));
                let word = word.map(|(name, _)| Value::String(name.clone()));
                let command = word.unwrap_or(Value::Object(what));
                let command = serde_path_to_error::deserialize(command)
                    .map_err(|error| format!("command: {error}"))?;
                Input::Command { by, command }
            }
        };
        let refused = self.input(input, &step.faces)?;
        if refused != step.refused {
            let meant = |code: &Option<String>| code.clone().unwrap_or_else(|| "done".to_owned());
            return Err(format!("{}, not {}", meant(&refused), meant(&step.refused)));
        }
        for stated in &step.tells {
            let stated = self.with_ids(stated.clone());
            if !self.told.iter().any(|fact| covers(fact, &stated)) {
                return Err(format!("{stated} is not told; what happened: {:?}", self.told));
            }
        }
        match (self.combat.prompt(), &step.asks) {
            (Some(prompt), None) if !answered => Err(format!("a question is open: {prompt:?}")),
            (Some(prompt), Some(name)) if self.names.get(name) != Some(&prompt.who) => {
                Err(format!("somebody else is asked: {prompt:?}"))
            }
            (None, Some(name)) => Err(format!("{name} is not asked")),
            (_, _) => Ok(()),
        }
    }

    fn command(&mut self, command: Command, faces: &[Face]) -> Result<(), String> {
        match self.input(Input::Command { by: Actor::Gm, command }, faces)? {
            Some(refusal) => Err(refusal),
            None => Ok(()),
        }
    }

    /// The code of the refusal, if it is refused.
    fn input(&mut self, input: Input, faces: &[Face]) -> Result<Option<String>, String> {
        let mut script = Script { faces: faces.iter(), wrong: None };
        match decide(&self.combat, input, self.book, &mut script) {
            Err(refusal) => {
                let code = serde_json::to_value(&refusal).map_err(|error| error.to_string())?;
                Ok(code.get("refusal").and_then(Value::as_str).map(str::to_owned))
            }
            Ok(step) => {
                if let Some(wrong) = script.wrong {
                    return Err(format!("{wrong}; what happened: {:?}", step.facts));
                }
                if script.faces.len() > 0 {
                    let left = script.faces.len();
                    return Err(format!("{left} faces left over; what happened: {:?}", step.facts));
                }
                let told = step.facts.iter().map(serde_json::to_value);
                self.told = told.collect::<Result<_, _>>().map_err(|error| error.to_string())?;
                self.combat.apply(&step);
                for combatant in self.combat.combatants.values() {
                    if !self.names.values().any(|id| *id == combatant.id) {
                        self.names.insert(combatant.name.clone(), combatant.id);
                    }
                }
                Ok(None)
            }
        }
    }

    fn holds(&self, then: &BTreeMap<String, Map<String, Value>>) -> Result<(), String> {
        let mut wrong = Vec::new();
        for (name, members) in then {
            let id = self.names.get(name).ok_or_else(|| format!("{name} does not take part"))?;
            let members = self.named(members.clone());
            let view = View::of(&self.combat, self.book);
            wrong.extend(
                different(view, &self.combat, *id, &members)
                    .into_iter()
                    .map(|it| format!("{name}: {it}")),
            );
        }
        if wrong.is_empty() { Ok(()) } else { Err(wrong.join("; ")) }
    }
}

/// Sets members; of a member that is an object on both sides, those stated.
fn merge(value: &mut Value, changes: Map<String, Value>) {
    let Value::Object(members) = value else { return };
    for (name, change) in changes {
        match (members.get_mut(&name), change) {
            (Some(old @ Value::Object(_)), Value::Object(change)) => merge(old, change),
            (_, change) => {
                members.insert(name, change);
            }
        }
    }
}
