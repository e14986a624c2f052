//! Fights without a cluster: attacks per second of the rules, and resident fights of the session.
//!
//! The raw limit beside the attacks is what their dice alone cost under a fight's seed.

use std::hint::black_box;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use clap::Args;
use gss_rules::combat::{
    Actor, Combat, Combatant, CombatantId, CombatantKind, Command, Input, Manner, Rulebook, Step,
    decide,
};
use gss_rules::effect::EffectTemplate;
use gss_rules::space::{Grid, Square};
use gss_rules::{Dice, Edition, Key, RuleSet};
use gss_session::{
    Characters, Context as Given, Parsed, Session, Verdict, parse_frame, parse_rest,
};
use gss_shared::ids::{ActionId, PlayerId, SessionId};
use gss_shared::time::Timestamp;
use hdrhistogram::Histogram;
use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};
use tokio::time::Instant;
use uuid::Uuid;

use crate::report::{progress, say};

#[derive(Args)]
pub(crate) struct Options {
    /// Seconds of each measurement.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Resident fights.
    #[arg(long, default_value_t = 10_000)]
    fights: usize,
}

/// A fast source of faces.
struct Faces {
    chance: SmallRng,
    drawn: Vec<u32>,
}

impl Dice for Faces {
    fn roll(&mut self, sides: u32) -> u32 {
        self.drawn.push(sides);
        self.chance.random_range(1..=sides)
    }
}

/// Measures both.
pub(crate) fn run(options: &Options) -> Result<()> {
    attacks(Duration::from_secs(options.seconds))?;
    resident(options.fights, Duration::from_secs(options.seconds))
}

fn key(text: &str) -> Result<Key> {
    Key::parse(text).map_err(|error| anyhow!("{error}"))
}

fn id(number: u128) -> CombatantId {
    CombatantId(Uuid::from_u128(number))
}

/// Ten creatures: conditions and effects on attacker and target, creatures and walls between them,
/// resistances and immunities.
fn melee(book: &Rulebook) -> Result<Combat> {
    let mut grid = Grid::open(20, 20);
    grid.blocking.extend([Square { x: 9, y: 9 }, Square { x: 10, y: 12 }]);
    let mut combat = Combat::new(RuleSet::of(Edition::E52), grid);
    let names = ["ogre", "mage", "goblin-warrior", "skeleton", "werewolf"];
    for number in 0..10_u8 {
        let name = names[usize::from(number) % names.len()];
        let monster = book.content.monsters.get(name).context(name)?;
        let block = std::sync::Arc::clone(&monster.block);
        let side = if number % 2 == 0 { "party" } else { "foes" };
        let kind = CombatantKind::Monster;
        let mut who = Combatant::new(id(number.into()), name, kind, side, block);
        let place = i32::from(number);
        who.position = Some(Square { x: place % 5 * 3, y: place / 5 * 3 });
        who.initiative = Some(20 - i32::from(number));
        who.hp.current = who.hp.max;
        step(&mut combat, book, Command::AddCombatant { combatant: Box::new(who) })?;
    }
    step(&mut combat, book, Command::Begin)?;
    for (target, condition) in [(0, "poisoned"), (1, "restrained"), (3, "prone"), (4, "frightened")]
    {
        let effect: EffectTemplate = serde_json::from_value(json!({
            "name": condition, "duration": {"kind": "permanent"}, "conditions": [condition],
        }))?;
        let (effect, source) = (Box::new(effect), Some(id(2)));
        let command = Command::ApplyEffect { effect, source, targets: vec![id(target)] };
        step(&mut combat, book, command)?;
    }
    let bless: EffectTemplate = serde_json::from_value(json!({
        "name": "Bless", "key": "bless", "duration": {"kind": "seconds", "seconds": 60},
        "modifiers": [{"kind": "die", "on": ["attack", "save"], "dice": "1d4"}],
    }))?;
    let command =
        Command::ApplyEffect { effect: Box::new(bless), source: Some(id(2)), targets: vec![id(0)] };
    step(&mut combat, book, command)?;
    Ok(combat)
}

fn step(combat: &mut Combat, book: &Rulebook, command: Command) -> Result<Step> {
    let mut faces = Faces { chance: SmallRng::seed_from_u64(1), drawn: Vec::new() };
    let input = Input::Command { by: Actor::Gm, command };
    let step = decide(combat, input, book, &mut faces).map_err(|refusal| anyhow!("{refusal}"))?;
    combat.apply(&step);
    Ok(step)
}

fn attacks(time: Duration) -> Result<()> {
    let book = Rulebook::built_in(Edition::E52)?;
    let combat = melee(&book)?;
    let javelin = key("javelin")?;
    let attack = |target: u128| Input::Command {
        by: Actor::Gm,
        command: Command::Attack {
            who: id(0),
            target: id(target),
            attack: javelin.clone(),
            knock_out: false,
            how: Manner::default(),
            ammunition: None,
        },
    };
    let mut faces = Faces { chance: SmallRng::seed_from_u64(7), drawn: Vec::new() };
    let (begun, mut made, mut facts) = (Instant::now(), 0_u64, 0_usize);
    while begun.elapsed() < time {
        for target in [1, 3, 5, 7] {
            let step = decide(&combat, attack(target), &book, &mut faces);
            let step = step.map_err(|refusal| anyhow!("attack on {target}: {refusal}"))?;
            facts += black_box(step).facts.len();
            made += 1;
        }
        faces.drawn.truncate(1_000);
    }
    let rate = made as f64 / begun.elapsed().as_secs_f64();
    let dice = dice_alone(&faces.drawn, time / 5);
    say(format!(
        "attacks decided: {rate:.0}/s on one core ({:.1} facts each); their dice alone, from the \
         generator of a fight: {dice:.0} faces/s",
        facts as f64 / made as f64
    ));
    Ok(())
}

/// Faces per second of ChaCha20 by itself, one stream after the other.
fn dice_alone(sides: &[u32], time: Duration) -> f64 {
    let mut chance = rand::rngs::StdRng::seed_from_u64(1);
    let (begun, mut drawn) = (Instant::now(), 0_u64);
    while begun.elapsed() < time {
        for sides in sides {
            black_box(chance.random_range(1..=*sides));
            drawn += 1;
        }
    }
    drawn as f64 / begun.elapsed().as_secs_f64()
}

/// A table with a fight of ten.
struct Table {
    session: Session,
    gm: PlayerId,
}

fn table(number: u128, faces: &mut Faces) -> Result<Table> {
    let gm = PlayerId(Uuid::from_u128(0x1000 + number));
    let create = json!({
        "kind": "create", "campaign_id": Uuid::nil(), "name": "Table", "settings": {},
    });
    let action = ActionId(Uuid::from_u128(1));
    let command =
        parse_rest(action, &create.to_string(), gm).map_err(|error| anyhow!("{error:?}"))?;
    let session = SessionId(Uuid::from_u128(number));
    let mut given = given(faces);
    let (session, _) =
        Session::create(session, &command, &mut given).map_err(|error| anyhow!("{error:?}"))?;
    let mut table = Table { session, gm };
    let combatants: Vec<Value> = (0..10_u8)
        .map(|place| {
            let side = if place % 2 == 0 { "party" } else { "enemies" };
            json!({
                "kind": "monster", "side": side, "stat_block": "ogre",
                "character_id": Uuid::from_u128(0x100 + u128::from(place)),
                "position": [place % 5 * 3, place / 5 * 3],
            })
        })
        .collect();
    let grid = json!({"width": 30, "height": 30});
    table.does("combat_start", json!({"combatants": combatants, "grid": grid}), faces)?;
    Ok(table)
}

fn given(faces: &mut Faces) -> Given<'_> {
    let event_seed = faces.chance.random();
    let characters = &Characters::Unserved;
    Given { now: Timestamp(0), event_seed, dice: faces, history: None, characters }
}

impl Table {
    fn does(&mut self, kind: &str, mut data: Value, faces: &mut Faces) -> Result<usize> {
        data["action_id"] = json!(Uuid::from_u128(faces.chance.random()));
        let frame = json!({"type": kind, "data": data}).to_string();
        let parsed = parse_frame(&frame, self.gm).map_err(|error| anyhow!("{error:?}"))?;
        let Parsed::Command(command) = parsed else { anyhow::bail!("not a command") };
        let verdict = self.session.execute(&command, &mut given(faces));
        match verdict.map_err(|error| anyhow!("{kind}: {error:?}"))? {
            Verdict::Accepted(decision) => Ok(decision.events.len()),
            other => anyhow::bail!("{other:?}"),
        }
    }

    fn active(&self) -> Result<Value> {
        let kind = gss_shared::link::frame::ReadKind::Sync {
            paths: vec!["/combat/active_character".to_owned()],
        };
        let read = self.session.read(&kind, self.gm, &gss_session::Presence::new());
        let read: Value = serde_json::from_str(&read.map_err(|error| anyhow!("{error:?}"))?)?;
        Ok(read["state"]["combat"]["active_character"].clone())
    }
}

/// Pages of this process in memory, in bytes.
fn resident_bytes() -> Result<usize> {
    let text = std::fs::read_to_string("/proc/self/statm")?;
    let pages = text.split_whitespace().nth(1).context("statm")?;
    Ok(pages.parse::<usize>()? * 4_096)
}

fn resident(fights: usize, time: Duration) -> Result<()> {
    gss_session::read_rulebooks();
    let mut faces = Faces { chance: SmallRng::seed_from_u64(3), drawn: Vec::new() };
    let before = resident_bytes()?;
    let mut tables = Vec::with_capacity(fights);
    for number in 0..fights {
        tables.push(table(u128::try_from(number)?, &mut faces)?);
        faces.drawn.clear();
        if (number + 1) % 2_500 == 0 {
            progress(format!("{} fights of ten are resident", number + 1));
        }
    }
    let bytes = resident_bytes()?.saturating_sub(before) / fights.max(1);
    let mut latency = Histogram::<u64>::new(3)?;
    let (begun, mut events) = (Instant::now(), 0);
    while begun.elapsed() < time {
        let at = faces.chance.random_range(0..tables.len());
        let table = tables.get_mut(at).context("a table")?;
        let active = table.active()?;
        let begun = Instant::now();
        events += table.does("turn_end", json!({"character_id": active}), &mut faces)?;
        latency.record(u64::try_from(begun.elapsed().as_micros())?)?;
        let active = table.active()?;
        let action = json!({
            "character_id": active, "action_type": "dodge", "targets": [], "details": {},
        });
        let begun = Instant::now();
        events += table.does("action_declare", action, &mut faces)?;
        latency.record(u64::try_from(begun.elapsed().as_micros())?)?;
        faces.drawn.clear();
    }
    ensure!(!latency.is_empty(), "nothing was measured");
    let at = |quantile| latency.value_at_quantile(quantile) as f64 / 1_000.0;
    let count = latency.len();
    say(format!(
        "{fights} resident fights of ten: {:.1} KiB each; command received to decision p50 {:.3} / \
         p99 {:.3} / p99.9 {:.3} ms over {count} commands ({:.1} events each), one core",
        bytes as f64 / 1_024.0,
        at(0.5),
        at(0.99),
        at(0.999),
        events as f64 / count as f64
    ));
    Ok(())
}
