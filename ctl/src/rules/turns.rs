//! Suites of the order of turns and of how long effects last, played as turns of a combat.

use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use gss_rules::combat::{
    Actor, Combat, Combatant, CombatantId, Command, EffectId, Fact, Input, Point, Rulebook, decide,
};
use gss_rules::conditions::{BUILT_IN, Conditions};
use gss_rules::effect::EffectTemplate;
use gss_rules::space::Grid;
use gss_rules::{Dice, RuleSet};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::play::Play;
use super::suites::Suite;

pub(super) const SUITES: &[Suite] = &[("duration", duration), ("turns", turns)];

/// Turns that a case may be away from the first one.
const TURNS: usize = 1_000;

/// A combat whose combatants are named by their place in the order.
struct Table {
    combat: Combat,
    book: Rulebook,
}

/// Nothing here is thrown for.
struct NoDice;

impl Dice for NoDice {
    fn roll(&mut self, _: u32) -> u32 {
        1
    }
}

fn named(place: usize) -> Result<CombatantId> {
    Ok(CombatantId(Uuid::from_u128(u128::try_from(place)? + 1)))
}

impl Table {
    /// Those of whom it is said so are dead.
    fn new(rules: &RuleSet, dead: &[bool]) -> Result<Self> {
        let book = Rulebook { conditions: Conditions::parse(BUILT_IN)?, content: Arc::default() };
        let combat = Combat::new(rules.clone(), Grid::open(1, 1));
        let mut table = Self { combat, book };
        let hp = json!({ "current": 10, "max": 10, "temp": 0 });
        for (place, dead) in dead.iter().enumerate() {
            let combatant: Combatant = serde_json::from_value(json!({
                "id": named(place)?,
                "name": format!("{place}"),
                "kind": "monster",
                "side": "all",
                "initiative": 100 - i32::try_from(place)?,
                "life": if *dead { "dead" } else { "alive" },
                "hp": hp,
                "block": {
                    "size": "medium",
                    "abilities": {"str": 10, "dex": 10, "con": 10, "int": 10, "wis": 10, "cha": 10},
                    "ac": 10,
                    "hp": hp,
                    "speeds": {"walk": 30},
                },
            }))?;
            table.play(Command::AddCombatant { combatant: Box::new(combatant) })?;
        }
        table.play(Command::Begin)?;
        Ok(table)
    }

    fn play(&mut self, command: Command) -> Result<Vec<Fact>> {
        let input = Input::Command { by: Actor::Gm, command };
        let step = decide(&self.combat, input, &self.book, &mut NoDice)?;
        if step.prompt.is_some() {
            bail!("it waits for an answer");
        }
        self.combat.apply(&step);
        Ok(step.facts)
    }

    fn end_turn(&mut self) -> Result<Vec<Fact>> {
        let who = self.combat.active().context("somebody's turn")?;
        self.play(Command::EndTurn { who })
    }

    fn now(&self) -> (u32, Option<usize>) {
        (self.combat.round, self.combat.turn)
    }

    /// Ends turns until this one runs.
    fn reach(&mut self, round: u32, turn: usize) -> Result<()> {
        for _ in 0..TURNS {
            if self.now() == (round, Some(turn)) {
                return Ok(());
            }
            self.end_turn()?;
        }
        bail!("there is no turn {turn} of round {round}")
    }
}

#[derive(Deserialize)]
struct Order {
    order: Vec<String>,
    round: u32,
    turn_index: usize,
}

fn turns(play: &mut Play<'_>) -> Result<Value> {
    let case: Order = play.inputs()?;
    let dead: Vec<bool> = case.order.iter().map(|name| name.contains("(dead)")).collect();
    let mut table = Table::new(&play.rules, &dead)?;
    table.reach(case.round, case.turn_index)?;
    table.end_turn()?;
    let (round, turn) = table.now();
    Ok(json!({ "round": round, "turn_index": turn, "new_round": round > case.round }))
}

#[derive(Deserialize)]
struct Lasting {
    initiative: Vec<String>,
    applied_by: String,
    duration: String,
    query: Query,
}

#[derive(Deserialize)]
struct Query {
    round: u32,
    turn_of: String,
    phase: Phase,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Phase {
    /// What lasts until it is over.
    Start,
    During,
    /// What lasts until then is over.
    End,
}

/// Who puts the effect on whom, and in whose turn.
struct Applied<'a> {
    source: &'a str,
    target: &'a str,
    turn_of: &'a str,
    round: u32,
}

impl<'a> Applied<'a> {
    /// As in "A (its turn, round 1) on B" or "C (reaction on A's turn, round 2)".
    fn parse(text: &'a str) -> Option<Self> {
        let (source, rest) = text.split_once(" (")?;
        let (when, on) = rest.split_once(')')?;
        let (turn, round) = when.split_once(", round ")?;
        let turn_of = match turn {
            "its turn" => source,
            other => other.strip_prefix("reaction on ")?.strip_suffix("'s turn")?,
        };
        let target = on.strip_prefix(" on ").unwrap_or(source);
        Some(Self { source, target, turn_of, round: round.parse().ok()? })
    }

    /// A duration in the engine's words.
    fn duration(&self, text: &str) -> Option<Value> {
        let text = text.split(" (").next()?;
        if let Some((count, unit)) = text.split_once(' ').filter(|_| !text.starts_with("until")) {
            let count: u32 = count.parse().ok()?;
            return match unit.trim_end_matches('s') {
                "round" => Some(json!({ "kind": "rounds", "rounds": count })),
                "minute" => Some(json!({ "kind": "seconds", "seconds": count * 60 })),
                "hour" => Some(json!({ "kind": "seconds", "seconds": count * 3_600 })),
                _ => None,
            };
        }
        let (edge, turn) = text.strip_prefix("until the ")?.split_once(" of ")?;
        let (of, which) = match turn {
            "the current turn" => (self.turn_of, "this"),
            turn => (turn.strip_suffix("'s next turn")?, "next"),
        };
        let whose = [(self.source, "source"), (self.target, "target")];
        let (_, whose) = whose.into_iter().find(|(name, _)| *name == of)?;
        Some(json!({ "kind": "until", "edge": edge, "whose": whose, "which": which }))
    }
}

fn duration(play: &mut Play<'_>) -> Result<Value> {
    let case: Lasting = play.inputs()?;
    let place = |name: &str| {
        let found = case.initiative.iter().position(|other| other == name);
        found.with_context(|| format!("{name} takes part"))
    };
    let applied = Applied::parse(&case.applied_by).context("who applies it, and when")?;
    let lasts = applied.duration(&case.duration).context("a duration")?;
    let mut table = Table::new(&play.rules, &vec![false; case.initiative.len()])?;
    table.reach(applied.round, place(applied.turn_of)?)?;
    let effect: EffectTemplate =
        serde_json::from_value(json!({ "name": "case", "duration": lasts }))?;
    let facts = table.play(Command::ApplyEffect {
        effect: Box::new(effect),
        source: Some(named(place(applied.source)?)?),
        targets: vec![named(place(applied.target)?)?],
    })?;
    let started = facts.iter().find_map(|fact| match fact {
        Fact::EffectStarted { effect } => Some((effect.id, effect.ends.map(|ends| ends.at))),
        _ => None,
    });
    let (id, ends) = started.context("the effect began")?;
    let active =
        table.has(id, ends, case.query.round, place(&case.query.turn_of)?, case.query.phase)?;
    Ok(json!({ "active": active }))
}

impl Table {
    /// Whether the effect runs at this point of a turn, which has not come yet or is the present
    /// one.
    fn has(
        &mut self,
        id: EffectId,
        ends: Option<Point>,
        round: u32,
        turn: usize,
        phase: Phase,
    ) -> Result<bool> {
        let runs = |table: &Self| table.combat.effects.contains_key(&id);
        let over = |facts: &[Fact]| {
            facts
                .iter()
                .any(|fact| matches!(fact, Fact::EffectEnded { id: ended, .. } if *ended == id))
        };
        match phase {
            Phase::During => {
                self.reach(round, turn)?;
                Ok(runs(self))
            }
            Phase::End => {
                self.reach(round, turn)?;
                let before = runs(self);
                let facts = self.end_turn()?;
                let next = facts.iter().position(|fact| matches!(fact, Fact::TurnStarted { .. }));
                Ok(before && !over(&facts[..next.unwrap_or(facts.len())]))
            }
            Phase::Start => {
                for _ in 0..TURNS {
                    let before = runs(self);
                    let facts = self.end_turn()?;
                    let begins = |fact: &Fact| matches!(fact, Fact::TurnStarted { .. });
                    if self.now() == (round, Some(turn)) {
                        let starts = facts.iter().position(begins).unwrap_or(facts.len());
                        // Counted rounds end after all that belongs to the start of a turn.
                        let later = ends == Some(Point::Within) && over(&facts[starts..]);
                        return Ok(before && (runs(self) || later));
                    }
                }
                bail!("that turn does not come")
            }
        }
    }
}
