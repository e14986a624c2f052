//! A fight as its players play it: what one of them does next, by what its document shows.
//!
//! Two players have a character each, GMs the monsters, of which one is hidden. Most of what is done
//! is accepted; some comes too late, or is what the rules refuse.

use gss_shared::ids::{PlayerId, Version};
use rand::Rng as _;
use rand::rngs::StdRng;
use serde_json::{Value, json};

/// Edge of the map, in squares.
const EDGE: i64 = 16;
/// Kinds of messages that players send about fights.
const KINDS: [&str; 12] = [
    "combat_start",
    "combatant_update",
    "initiative_order",
    "action_declare",
    "reaction",
    "choice",
    "dice",
    "turn_end",
    "turn_rewind",
    "effect_apply",
    "effect_remove",
    "combat_end",
];
/// Monsters of both editions, small enough for their places.
const MONSTERS: [&str; 8] =
    ["srd:5.2:goblin-warrior", "ogre", "wolf", "ghoul", "giant-spider", "troll", "unicorn", "mage"];

/// Whether a message of this type is about a fight.
pub fn is_about(kind: &str) -> bool {
    KINDS.contains(&kind)
}

/// Who plays, and what it sees.
#[derive(Clone, Copy, Debug)]
pub struct Seated<'a> {
    /// The document as its client shows it.
    pub state: &'a Value,
    /// Who it is.
    pub me: PlayerId,
    /// Whether it is the GM.
    pub gm: bool,
    /// Whose characters fight, when it starts a fight.
    pub owners: [PlayerId; 2],
    /// Version up to which it saw.
    pub seen: Version,
}

impl Seated<'_> {
    /// The frame `{"type", "data"}` of what it does next; None: it has nothing to do.
    pub fn next(&self, random: &mut StdRng) -> Option<Value> {
        let combat = &self.state["combat"];
        if !combat.is_object() {
            return self.gm.then(|| start(self.owners, random));
        }
        if combat["phase"] != "running" {
            return None;
        }
        if self.gm && random.random_range(0..10) == 0 {
            return Some(self.direct(combat, random));
        }
        let prompts = combat["prompts"].as_object();
        if let Some(asked) = prompts.and_then(|prompts| prompts.values().next()) {
            return self.answer(combat, asked, random);
        }
        if combat["step"] != "acting" {
            return None;
        }
        let active = combat["active_character"].as_str()?;
        let who = &combat["combatants"][active];
        // A GM acts for those whose player is away.
        let helps = self.gm && random.random_range(0..8) == 0;
        (helps || self.commands(who)).then(|| act(combat, active, who, random))
    }

    fn commands(&self, who: &Value) -> bool {
        let owner = &who["owner_id"];
        *owner == self.me.to_string() || (self.gm && who.is_object() && owner.is_null())
    }

    /// An answer to an open question.
    fn answer(&self, combat: &Value, asked: &Value, random: &mut StdRng) -> Option<Value> {
        let character = asked["character_id"].as_str().unwrap_or_default();
        let own = self.commands(&combat["combatants"][character]);
        if !own && random.random_range(0..4) > 0 {
            return None;
        }
        let id = &asked["prompt_id"];
        let options = asked["options"].as_array().map(Vec::as_slice).unwrap_or_default();
        if let Some(sides) = asked["sides"].as_array() {
            let mut face = |sides: &Value| random.random_range(1..=sides.as_u64().unwrap_or(20));
            let faces: Vec<u64> = sides.iter().map(&mut face).collect();
            return Some(frame("dice", json!({"prompt_id": id, "faces": faces})));
        }
        let option = pick(options, random);
        if asked["kind"] == "effect_order" {
            let choice = &asked["default"];
            return Some(frame("choice", json!({"prompt_id": id, "choice": choice})));
        }
        if asked.get("default").is_some() {
            return Some(frame("choice", json!({"prompt_id": id, "choice": option["choice"]})));
        }
        let mut data = json!({"prompt_id": id, "accept": random.random_range(0..4) > 0});
        if data["accept"] == true {
            data["option"] = option["option"].clone();
            if asked["trigger"]["kind"] == "legendary_action" {
                let target = target(combat, &combat["combatants"][character], random);
                data["details"] = json!({"targets": [target.0], "direction": [1, 1]});
            }
        }
        Some(frame("reaction", data))
    }

    /// What GMs do beside playing monsters.
    fn direct(&self, combat: &Value, random: &mut StdRng) -> Value {
        let all = combat["combatants"].as_object();
        let ids: Vec<Value> =
            all.into_iter().flat_map(|all| all.keys()).map(|id| json!(id)).collect();
        let one = pick(&ids, random);
        match random.random_range(0..16) {
            0..5 => effect(&one, &pick(&ids, random), random),
            5..7 => {
                let effects = combat["effects"].as_object();
                let ids = effects.into_iter().flat_map(|effects| effects.keys());
                let ids: Vec<Value> = ids.map(|id| json!(id)).collect();
                frame("effect_remove", json!({"effect_id": pick(&ids, random)}))
            }
            7..10 => {
                let fields = match random.random_range(0..3) {
                    0 => json!({"hp": {"current": 9}}),
                    1 => json!({"hp": {"temp": 5}}),
                    _ => json!({"conditions_remove": ["prone", "paralyzed", "poisoned"]}),
                };
                frame("combatant_update", json!({"character_id": one, "fields": fields}))
            }
            10..14 => {
                let back = random.random_range(0..24);
                let to = self.seen.0.saturating_sub(back).max(1);
                frame("turn_rewind", json!({"to_version": to.to_string()}))
            }
            14 => frame("initiative_order", json!({"order": combat["order"]})),
            _ => frame("combat_end", json!({"reason": "They flee"})),
        }
    }
}

fn frame(kind: &str, data: Value) -> Value {
    json!({"type": kind, "data": data})
}

fn pick(all: &[Value], random: &mut StdRng) -> Value {
    if all.is_empty() {
        return Value::Null;
    }
    all[random.random_range(0..all.len())].clone()
}

/// `combat_start`.
fn start(owners: [PlayerId; 2], random: &mut StdRng) -> Value {
    let mut monster = |at: [i64; 2], hidden: bool| {
        let block = MONSTERS[random.random_range(0..MONSTERS.len())];
        let mut monster = json!({
            "kind": "monster", "side": "enemies", "stat_block": block, "position": at,
            "hidden": hidden,
        });
        if hidden {
            monster["name"] = json!("Lurker");
        }
        monster
    };
    let character = |owner: PlayerId, name: &str, at: [i64; 2]| {
        json!({
            "character_id": owner, "name": name, "kind": "character", "side": "party",
            "owner_id": owner, "custom": hero(), "position": at,
        })
    };
    let combatants = json!([
        character(owners[0], "Aria", [2, 3]),
        character(owners[1], "Bren", [2, 6]),
        monster([6, 2], false),
        monster([6, 6], false),
        monster([10, 10], true),
    ]);
    let grid = json!({"width": EDGE, "height": EDGE, "blocking": [[4, 4]], "difficult": [[4, 5]]});
    let options = json!({"name": "Ford", "initiative": "all"});
    frame("combat_start", json!({"combatants": combatants, "grid": grid, "options": options}))
}

/// A character's numbers.
fn hero() -> Value {
    json!({
        "size": "medium",
        "abilities": {"str": 16, "dex": 14, "con": 14, "int": 16, "wis": 12, "cha": 8},
        "proficiency_bonus": 3,
        "ac": 15,
        "hp": {"current": 60, "max": 60, "temp": 3},
        "speeds": {"walk": 30},
        "spellcasting": {
            "ability": "int", "dc": 14, "attack_bonus": 6, "slots": {"1": 4, "2": 3},
            "spells": ["fire-bolt", "magic-missile", "hold-person", "shield", "cure-wounds"],
        },
        "attacks": [
            {"attack_id": "longsword", "name": "Longsword", "kind": "melee", "bonus": 6,
             "damage": [{"dice": "1d8+3", "type": "slashing"}], "reach_ft": 5},
            {"attack_id": "longbow", "name": "Longbow", "kind": "ranged", "bonus": 5,
             "damage": [{"dice": "1d8+2", "type": "piercing"}],
             "range_ft": {"normal": 150, "long": 600}},
        ],
        "uses": [
            {"use_id": "second-wind", "name": "Second Wind", "cost": "bonus_action",
             "per_day": 1, "healing": "1d10+2"},
        ],
    })
}

/// `effect_apply`: something that damages, is saved against, or is concentrated on.
fn effect(source: &Value, target: &Value, random: &mut StdRng) -> Value {
    let effect = match random.random_range(0..3) {
        0 => json!({
            "name": "Hexed", "duration": {"kind": "rounds", "rounds": 2}, "source_id": source,
            "conditions": ["poisoned"], "save_ends": {"ability": "con", "dc": 12},
            "damage": {"dice": [{"dice": "1d6", "type": "fire"}], "edge": "start"},
        }),
        1 => json!({
            "name": "Slowed", "key": "slowed", "duration": {"kind": "rounds", "rounds": 3},
            "concentration": true, "source_id": source,
            "modifiers": [{"kind": "speed", "value": -10}],
        }),
        _ => json!({
            "name": "Down", "duration": {"kind": "rounds", "rounds": 1}, "conditions": ["prone"],
        }),
    };
    frame("effect_apply", json!({"effect": effect, "target_ids": [target]}))
}

fn square(who: &Value) -> Option<(i64, i64)> {
    Some((who["position"][0].as_i64()?, who["position"][1].as_i64()?))
}

/// An enemy on its feet, the nearest one most often, and how many squares away it is.
fn target(combat: &Value, who: &Value, random: &mut StdRng) -> (Value, i64) {
    let down = |other: &Value| ["dead", "dying", "stable"].iter().any(|it| other["health"] == *it);
    let mut enemies: Vec<(i64, &String)> = Vec::new();
    for (id, other) in combat["combatants"].as_object().into_iter().flatten() {
        let (Some((x, y)), Some((to_x, to_y))) = (square(who), square(other)) else { continue };
        if other["side"] != who["side"] && !down(other) {
            enemies.push(((x - to_x).abs().max((y - to_y).abs()), id));
        }
    }
    enemies.sort();
    let at = if random.random_range(0..4) > 0 { 0 } else { enemies.len().saturating_sub(1) };
    enemies.get(at).map_or((Value::Null, EDGE), |(away, id)| (json!(id), *away))
}

/// What whose turn it is does.
fn act(combat: &Value, id: &str, who: &Value, random: &mut StdRng) -> Value {
    let (target, away) = target(combat, who, random);
    let has_action = who["economy"]["action"] == true;
    let end = frame("turn_end", json!({"character_id": id}));
    if target.is_null() || ["dead", "dying", "stable"].iter().any(|it| who["health"] == *it) {
        return end;
    }
    let declare = |kind: &str, targets: Value, details: Value| {
        let data = json!({
            "character_id": id, "action_type": kind, "targets": targets, "details": details,
        });
        frame("action_declare", data)
    };
    let names = |name: &str| who["options"][name].as_array().cloned().unwrap_or_default();
    let squares = who["economy"]["movement_left_ft"].as_i64().unwrap_or(0) / 5;
    let at = combat["combatants"][target.as_str().unwrap_or_default()]["position"].clone();
    let untargeted = json!([]);
    match random.random_range(0..20) {
        0..5 if squares > 0 => {
            let path = path(combat, id, who, (&at, squares.min(away - 1)), random);
            if path.is_empty() { end } else { declare("move", untargeted, json!({"path": path})) }
        }
        5..13 if has_action => {
            let attacks = names("attacks");
            // Those that shoot come last.
            let far = away > 1 && random.random_range(0..4) > 0;
            let attack = if far { attacks.last().cloned() } else { attacks.first().cloned() };
            declare("attack", json!([target]), json!({"attack_id": attack}))
        }
        13 if has_action => {
            let kind = pick(&["dodge", "dash", "disengage", "hide"].map(Value::from), random);
            declare(kind.as_str().unwrap_or_default(), untargeted, json!({}))
        }
        14 if has_action && away < 2 => declare("grapple", json!([target]), json!({})),
        14 if has_action => declare("help", json!([]), json!({"kind": "check"})),
        15 if has_action && away < 2 => {
            declare("shove", json!([target]), json!({"effect": "prone"}))
        }
        16..18 if has_action => {
            let spell = pick(&names("spells"), random);
            let slot = if spell == "hold-person" { 2 } else { u8::from(spell != "fire-bolt") };
            let details = json!({"spell": spell, "slot_level": slot, "at": at});
            declare("cast", json!([target]), details)
        }
        18 => {
            let details = json!({"use_id": pick(&names("uses"), random), "direction": at});
            declare("use_action", json!([target]), details)
        }
        _ => end,
    }
}

/// Some squares towards another, or anywhere.
fn path(
    combat: &Value,
    id: &str,
    who: &Value,
    (to, squares): (&Value, i64),
    random: &mut StdRng,
) -> Vec<[i64; 2]> {
    let Some((mut x, mut y)) = square(who) else { return Vec::new() };
    let (to_x, to_y) = (to[0].as_i64().unwrap_or(x), to[1].as_i64().unwrap_or(y));
    let others = combat["combatants"].as_object();
    let others = others.into_iter().flatten().filter(|(other, _)| *other != id);
    let mut taken: Vec<(i64, i64)> = others.filter_map(|(_, other)| square(other)).collect();
    taken.push((4, 4));
    let astray = random.random_range(0..4) == 0;
    let mut path = Vec::new();
    for _ in 0..squares.clamp(1, 4) {
        let mut step = |from: i64, to: i64| {
            if astray { random.random_range(-1..=1) } else { (to - from).signum() }
        };
        let next = (x + step(x, to_x), y + step(y, to_y));
        let outside = !(0..EDGE).contains(&next.0) || !(0..EDGE).contains(&next.1);
        if next == (x, y) || outside || taken.contains(&next) {
            break;
        }
        (x, y) = next;
        path.push([x, y]);
    }
    path
}
