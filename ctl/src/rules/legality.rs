//! The suite of what may be done: turns played as commands, each allowed or not.

use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use gss_rules::combat::{
    Answer, Awaited, Combatant, CombatantKind, Command, Extra, Fact, Happening, Interaction,
    Manner, Question, Refusal,
};
use gss_rules::content::{AttackKind, CastingTime, Spell, Weapon};
use gss_rules::space::{Grid, Square};
use gss_rules::{Condition, Dice, Key, MovementMode};
use serde_json::{Map, Value, json};

use super::play::Play;
use super::stage::{ACTOR, OTHER, Stage, block, rulebook};
use super::suites::Suite;

pub(super) const SUITES: &[Suite] = &[("legality", legality)];

/// Every die shows its half.
struct Halves;

impl Dice for Halves {
    fn roll(&mut self, sides: u32) -> u32 {
        sides.div_ceil(2)
    }
}

fn legality(play: &mut Play<'_>) -> Result<Value> {
    let inputs: Map<String, Value> = play.inputs()?;
    let word = |name: &str| inputs.get(name).and_then(Value::as_str);
    let allowed = if inputs.contains_key("turn") {
        turn(play, &inputs)?
    } else if let Some(what) = word("ready") {
        readied(play, what, &inputs)?
    } else if let (Some(first), Some(second)) =
        (word("attack_action_with"), word("bonus_attack_with"))
    {
        two_weapons(play, first, second)?
    } else if let Some(with) = word("opportunity_attack_with") {
        opportunity(play, with)?
    } else if let Some(wants) = word("wants") {
        under_conditions(play, wants, &inputs)?
    } else if let Some(spell) = word("cast") {
        cast(play, spell, &inputs)?
    } else if let Some(at) = word("legendary_action_at") {
        legendary(play, at, &inputs)?
    } else {
        bail!("nothing that is known is asked")
    };
    Ok(json!({ "allowed": allowed }))
}

/// A combat of two enemies with these numbers, the actor's turn.
fn enemies(play: &Play<'_>, actor: &Value, other: &Value, surprised: bool) -> Result<Stage> {
    let of = |id, side: &str, said: &Value, x, initiative| -> Result<Combatant> {
        let numbers = Arc::new(block(said)?);
        Ok(Combatant {
            position: Some(Square { x, y: 0 }),
            initiative: Some(initiative),
            ..Combatant::new(id, side, CombatantKind::Character, side, numbers)
        })
    };
    let actor = Combatant { surprised, ..of(ACTOR, "a", actor, 0, 30)? };
    let mut stage = Stage::of(&play.rules, vec![actor, of(OTHER, "b", other, 1, 20)?])?;
    stage.set(Command::Begin)?;
    Ok(stage)
}

/// A weapon of the content as an attack.
fn armed(play: &Play<'_>, id: &str) -> Result<Value> {
    let book = rulebook(play.rules.edition)?;
    let weapon: &Weapon =
        book.content.weapons.get(&Key::parse(id)?).with_context(|| format!("a {id}"))?;
    let melee = weapon.kind != AttackKind::Ranged;
    let damage: Vec<_> = weapon.damage.iter().collect();
    Ok(json!({
        "attack_id": id, "name": weapon.name, "kind": if melee { "melee" } else { "ranged" },
        "bonus": 5, "range_ft": weapon.range_ft, "damage": damage,
        "properties": weapon.properties
    }))
}

fn blow(attack: &str, extra: Extra) -> Result<Command> {
    let how = Manner { extra, ..Manner::default() };
    let attack = Key::parse(attack)?;
    Ok(Command::Attack {
        who: ACTOR,
        target: OTHER,
        attack,
        knock_out: false,
        how,
        ammunition: None,
    })
}

/// To and fro beside the other.
fn walk(from: Option<Square>, feet: i32) -> Command {
    let start = from.map_or(0, |from| from.y);
    let path = (1..=feet / 5).map(|step| Square { x: 0, y: (start + step) % 2 }).collect();
    Command::Move {
        who: ACTOR,
        mode: MovementMode::Walk,
        path,
        drag: Vec::new(),
        elevation_ft: None,
    }
}

fn done(stage: &mut Stage, command: Command) -> Result<bool> {
    Ok(stage.asks(command, &mut Halves)?.is_ok())
}

/// A turn whose parts are all allowed, each as the case writes it.
fn turn(play: &Play<'_>, inputs: &Map<String, Value>) -> Result<bool> {
    let parts = inputs.get("turn").and_then(Value::as_array).context("a turn")?;
    let parts: Vec<&str> = parts.iter().filter_map(Value::as_str).collect();
    let speed = inputs.get("speed").and_then(Value::as_i64).unwrap_or(30);
    let swings = parts.iter().filter_map(|part| part.split(" of ").nth(1)?.parse().ok()).max();
    let swings: usize = swings.unwrap_or(1);
    let spells: Vec<&str> = parts.iter().filter_map(|part| spell_of(part)).collect();
    let known: Vec<String> = spells.iter().map(|name| name.replace(' ', "-")).collect();
    let casting = json!({
        "ability": "int", "dc": 14, "attack_bonus": 6, "spells": known,
        "slots": {"1": 4, "2": 3, "3": 3, "4": 3, "5": 2, "6": 1, "7": 1, "8": 1, "9": 1}
    });
    let weapon = json!({
        "attack_id": "weapon", "name": "weapon", "kind": "melee", "bonus": 5,
        "damage": [{"dice": "1d8", "type": "slashing"}]
    });
    let actor = json!({
        "speeds": {"walk": speed}, "spellcasting": casting, "attacks": [weapon],
        "multiattack": [vec!["weapon"; swings]],
        "uses": [{"use_id": "quick", "name": "Quick", "cost": "bonus_action"}]
    });
    let other = json!({ "spellcasting": casting });
    let surprised = inputs.get("surprised").and_then(Value::as_bool).unwrap_or(false);
    let mut stage = enemies(play, &actor, &other, surprised)?;
    let mut rest = parts.as_slice();
    while let Some((part, after)) = rest.split_first() {
        rest = after;
        let reaction = after.first().filter(|next| next.contains("(reaction"));
        let allowed = if let (Some(spell), Some(reaction)) = (spell_of(part), reaction) {
            rest = &after[1..];
            let answer = spell_of(reaction).context("a spell")?;
            countered(&mut stage, &level_of(play, spell)?, &answer.replace(' ', "-"))?
        } else {
            part_of_turn(&mut stage, play, part)?
        };
        if !allowed {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The spell that a part of a turn casts.
fn spell_of(part: &str) -> Option<&str> {
    let (name, how) = part.split_once(" (")?;
    (how.contains("slot") || how.contains("cantrip")).then_some(name)
}

fn part_of_turn(stage: &mut Stage, play: &Play<'_>, part: &str) -> Result<bool> {
    let use_quick = || -> Result<Command> {
        let id = Key::parse("quick")?;
        Ok(Command::UseAction {
            who: ACTOR,
            id,
            targets: Vec::new(),
            at: None,
            direction: None,
            option: None,
            path: Vec::new(),
            choices: std::collections::BTreeMap::new(),
        })
    };
    let handle =
        |interaction| Command::Interact { who: ACTOR, interaction, item: None, target: None };
    if let Some(spell) = spell_of(part) {
        return castable(stage, &level_of(play, spell)?);
    }
    if let Some(feet) = part.strip_prefix("move ") {
        let from = stage.combatant(ACTOR)?.position;
        return done(stage, walk(from, feet.parse()?));
    }
    let command = match part {
        "action" => Command::Dodge { who: ACTOR },
        "bonus action" => use_quick()?,
        "dash" => Command::Dash { who: ACTOR, mode: None },
        "disengage" => Command::Disengage { who: ACTOR },
        "dodge" => Command::Dodge { who: ACTOR },
        attack if attack.starts_with("attack") => blow("weapon", Extra::None)?,
        draw if draw.starts_with("draw") => handle(Interaction::Draw),
        object if object.ends_with("(free)") || object.ends_with("(free interaction)") => {
            handle(Interaction::Other)
        }
        object if object.ends_with("(action)") => {
            Command::UseObject { who: ACTOR, item: None, target: None }
        }
        other => bail!("`{other}` is not known"),
    };
    done(stage, command)
}

/// A spell by its name, and the level it is cast at.
fn level_of(play: &Play<'_>, name: &str) -> Result<(Key, u8)> {
    let id = Key::parse(&name.replace(' ', "-"))?;
    let book = rulebook(play.rules.edition)?;
    let spell = book.content.spells.get(&id).with_context(|| format!("the spell {name}"))?;
    Ok((id, spell.level))
}

/// The ways in which a spell may be aimed here.
fn castings((spell, level): &(Key, u8)) -> Vec<Command> {
    let targets = [vec![OTHER], vec![ACTOR], Vec::new(), vec![OTHER, OTHER, OTHER]];
    let places = [None, Some(Square { x: 6, y: 6 }), Some(Square { x: 1, y: 0 })];
    let mut all = Vec::new();
    for targets in targets {
        for place in places {
            all.push(Command::Cast {
                who: ACTOR,
                spell: spell.clone(),
                slot_level: *level,
                targets: targets.clone(),
                at: place,
                direction: place,
                choices: std::collections::BTreeMap::new(),
                ritual: false,
                item: None,
            });
        }
    }
    all
}

/// Whether a spell can be cast in any of the ways.
fn castable(stage: &mut Stage, spell: &(Key, u8)) -> Result<bool> {
    for command in castings(spell) {
        if done(stage, command)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A spell that the other counters; whether its caster may answer with a spell.
fn countered(stage: &mut Stage, spell: &(Key, u8), with: &str) -> Result<bool> {
    for command in castings(spell) {
        let mut offered = false;
        let played = stage.answered(command, &mut Halves, |prompt| match &prompt.question {
            Question::CastInReaction { options, .. } if prompt.who == OTHER => options
                .first()
                .map_or(Answer::Decline, |option| Answer::React { option: option.clone() }),
            Question::CastInReaction { options, .. } => {
                offered |= options.iter().any(|option| option.as_str().starts_with(with));
                Answer::Decline
            }
            _ => Answer::Decline,
        })?;
        if played.is_ok() {
            return Ok(offered);
        }
    }
    Ok(false)
}

fn readied(play: &Play<'_>, what: &str, inputs: &Map<String, Value>) -> Result<bool> {
    let trigger = Awaited { on: Happening::Custom, who: Vec::new(), within_ft: None, text: None };
    let word = |name: &str| inputs.get(name).and_then(Value::as_str);
    if what == "spell" {
        let time = word("casting_time").context("a casting time")?;
        let book = rulebook(play.rules.edition)?;
        let takes = |spell: &&Spell| match spell.casting_time {
            CastingTime::Action => time == "action",
            CastingTime::BonusAction => time == "bonus action",
            CastingTime::Reaction => time == "reaction",
            CastingTime::Minutes { .. } => time.contains("minute") || time.contains("hour"),
            CastingTime::ActionOrMinutes { .. } => false,
        };
        let spell = book.content.spells.values().find(takes).context("such a spell")?;
        let slots = json!({"1": 1, "2": 1, "3": 1, "4": 1, "5": 1, "6": 1, "7": 1, "8": 1, "9": 1});
        let actor = json!({ "spellcasting": {
            "ability": "int", "dc": 14, "attack_bonus": 6, "slots": slots, "spells": [spell.id]
        }});
        let mut stage = enemies(play, &actor, &json!({}), false)?;
        let action = castings(&(spell.id.clone(), spell.level)).swap_remove(0);
        let ready = Command::Ready { who: ACTOR, trigger, action: Box::new(action) };
        return done(&mut stage, ready);
    }
    let mut stage = enemies(play, &json!({}), &json!({}), false)?;
    let action = Box::new(blow("unarmed", Extra::None)?);
    if !done(&mut stage, Command::Ready { who: ACTOR, trigger, action })? {
        return Ok(false);
    }
    let turns: &[_] = match word("trigger_at") {
        Some(at) if at.starts_with("after own next turn") => &[ACTOR, OTHER],
        _ => &[ACTOR],
    };
    for who in turns {
        stage.set(Command::EndTurn { who: *who })?;
    }
    done(&mut stage, Command::Happens { who: ACTOR })
}

fn two_weapons(play: &Play<'_>, first: &str, second: &str) -> Result<bool> {
    let second = second.strip_prefix("the same ").unwrap_or(second);
    let mut attacks = vec![armed(play, first)?];
    if second != first {
        attacks.push(armed(play, second)?);
    }
    let mut stage = enemies(play, &json!({ "attacks": attacks }), &json!({}), false)?;
    Ok(done(&mut stage, blow(first, Extra::None)?)?
        && done(&mut stage, blow(second, Extra::OffHand)?)?)
}

/// Whether the actor may strike so at the other that leaves its reach.
fn opportunity(play: &Play<'_>, with: &str) -> Result<bool> {
    let bite = json!({
        "attack_id": "bite", "name": "Bite", "kind": "melee", "bonus": 5,
        "damage": [{"dice": "1d8", "type": "piercing"}]
    });
    let actor = json!({ "attacks": [bite], "multiattack": [["bite", "bite"]] });
    let mut stage = enemies(play, &actor, &json!({}), false)?;
    let with = Key::parse(with)?;
    Ok(offered(&mut stage)?.contains(&with))
}

/// The attacks that the actor is offered when the other goes away.
fn offered(stage: &mut Stage) -> Result<Vec<Key>> {
    stage.set(Command::EndTurn { who: ACTOR })?;
    let path = (2..=4).map(|x| Square { x, y: 0 }).collect();
    let (mode, drag) = (MovementMode::Walk, Vec::new());
    let flight = Command::Move { who: OTHER, mode, path, drag, elevation_ft: None };
    let mut all = Vec::new();
    let played = stage.answered(flight, &mut Halves, |prompt| {
        if let Question::OpportunityAttack { options, .. } = &prompt.question {
            all.extend(options.iter().cloned());
        }
        Answer::Decline
    })?;
    played?;
    Ok(all)
}

fn under_conditions(play: &Play<'_>, wants: &str, inputs: &Map<String, Value>) -> Result<bool> {
    let conditions = inputs.get("conditions").cloned().unwrap_or_default();
    let conditions: Vec<Condition> = serde_json::from_value(conditions)?;
    let actor = json!({
        "uses": [{"use_id": "quick", "name": "Quick", "cost": "bonus_action"}]
    });
    let mut stage = enemies(play, &actor, &json!({}), false)?;
    for condition in conditions {
        stage.afflict(ACTOR, condition, None)?;
    }
    match wants {
        "reaction" => Ok(!offered(&mut stage)?.is_empty()),
        "move" => done(&mut stage, walk(None, 5)),
        wants => part_of_turn(&mut stage, play, wants),
    }
}

fn cast(play: &Play<'_>, text: &str, inputs: &Map<String, Value>) -> Result<bool> {
    let number = |name: &str| inputs.get(name).and_then(Value::as_u64);
    let book = rulebook(play.rules.edition)?;
    let name = text.split(" (").next().unwrap_or(text);
    let (id, level) = match name {
        // Any with gestures or words that needs nothing else.
        "S spell" | "V spell" => level_of(play, "fire bolt")?,
        name => level_of(play, name)?,
    };
    let level = number("slot").map_or(Ok(level), u8::try_from)?;
    let slots = if level == 0 {
        json!({})
    } else {
        json!({ level.to_string(): number("slots_left").unwrap_or(1) })
    };
    let actor = json!({ "spellcasting": {
        "ability": "int", "dc": 14, "attack_bonus": 6, "slots": slots, "spells": [id]
    }});
    let mut stage = enemies(play, &actor, &json!({}), false)?;
    let mut kept = Vec::new();
    if number("free_hands") == Some(0) {
        kept.push(json!({ "kind": "no_free_hand" }));
    }
    let silent = |name: &&String| ["silence", "gag", "speak"].iter().any(|it| name.contains(it));
    if inputs.keys().any(|name| silent(&name)) {
        kept.push(json!({ "kind": "cannot_speak" }));
    }
    if !kept.is_empty() {
        let effect = json!({
            "name": "case", "duration": {"kind": "permanent"}, "modifiers": kept
        });
        stage.put(ACTOR, None, effect)?;
    }
    if inputs.get("cover").and_then(Value::as_str) == Some("total") {
        let wall = (0..200).map(|y| Square { x: 1, y });
        let grid = Grid { blocking: wall.collect(), ..Grid::open(200, 200) };
        let changes = json!({ "position": [3, 0] });
        let changes = Box::new(serde_json::from_value(changes)?);
        stage.set(Command::Update { id: OTHER, changes })?;
        stage.combat.grid = Arc::new(grid);
        let aimed = castings(&(id, level)).swap_remove(0);
        return done(&mut stage, aimed);
    }
    drop(book);
    castable(&mut stage, &(id, level))
}

/// Whether a legendary action is offered, or can be taken, at this point.
fn legendary(play: &Play<'_>, at: &str, inputs: &Map<String, Value>) -> Result<bool> {
    let left = inputs.get("uses_left").and_then(Value::as_u64).unwrap_or(3);
    let actor = json!({
        "legendary": {"actions": left},
        "uses": [{"use_id": "detect", "name": "Detect", "cost": "legendary"}]
    });
    let mut stage = enemies(play, &actor, &json!({}), false)?;
    if at.contains("own turn") {
        let id = Key::parse("detect")?;
        let own = Command::UseAction {
            who: ACTOR,
            id,
            targets: Vec::new(),
            at: None,
            direction: None,
            option: None,
            path: Vec::new(),
            choices: std::collections::BTreeMap::new(),
        };
        return done(&mut stage, own);
    }
    stage.set(Command::EndTurn { who: ACTOR })?;
    let mut offered = false;
    let played = stage.answered(Command::EndTurn { who: OTHER }, &mut Halves, |prompt| {
        offered |= matches!(prompt.question, Question::LegendaryAction { .. });
        Answer::Decline
    })?;
    let _: Vec<Fact> = played.map_err(|refusal: Refusal| anyhow::Error::from(refusal))?;
    Ok(offered)
}
