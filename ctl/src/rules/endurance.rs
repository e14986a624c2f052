//! Suites of concentration, exhaustion, falling to 0 hit points and effects that meet.

use anyhow::{Context as _, Result, bail};
use gss_rules::combat::{CombatantId, CombatantKind, Command, Fact, Life, Refusal};
use gss_rules::rest::exhaustion_after_long_rest;
use gss_rules::space::Cover;
use gss_rules::{Ability, Condition, Key, Switch};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::play::Play;
use super::stage::{ACTOR, OTHER, Stage, WITNESS, attack, block, strike};
use super::suites::Suite;

pub(super) const SUITES: &[Suite] = &[
    ("concentration", concentration),
    ("exhaustion", exhaustion),
    ("drop_to_0", dropped),
    ("save_plain", save),
    ("stacking", stacking),
    ("save_ends", save_ends),
];

/// Two plain creatures beside each other, the other concentrating.
fn concentrating(play: &Play<'_>, other: &Value, hits: &Value) -> Result<Stage> {
    let actor = (CombatantKind::Monster, block(&json!({ "attacks": [hits] }))?);
    let other = (CombatantKind::Character, block(other)?);
    let mut stage = Stage::new(&play.rules, actor, other, 5)?;
    stage.put(OTHER, Some(OTHER), spell(true))?;
    Ok(stage)
}

fn spell(concentration: bool) -> Value {
    json!({
        "name": "spell", "duration": {"kind": "seconds", "seconds": 60},
        "concentration": concentration
    })
}

/// A blow that always hits for so much.
fn blow(parts: &[(&str, i64)]) -> Value {
    let mut blow = attack("club", 50, "1");
    blow["damage"] = parts
        .iter()
        .map(|(kind, dealt)| json!({ "dice": dealt.to_string(), "type": kind }))
        .collect();
    blow
}

fn concentration(play: &mut Play<'_>) -> Result<Value> {
    let inputs: Map<String, Value> = play.inputs()?;
    let number = |name: &str| inputs.get(name).and_then(Value::as_i64);
    if let Some(condition) = inputs.get("condition_gained") {
        let mut stage = concentrating(play, &json!({}), &blow(&[]))?;
        stage.afflict(OTHER, serde_json::from_value(condition.clone())?, None)?;
        return kept(&stage);
    }
    if let Some(event) = inputs.get("event").and_then(Value::as_str) {
        return after(play, event);
    }
    if let (Some(dealt), Some(bonus)) = (number("damage_taken"), number("con_save_bonus")) {
        let other =
            json!({ "saves": { "con": bonus }, "hp": { "current": 999, "max": 999, "temp": 0 } });
        let mut stage = concentrating(play, &other, &blow(&[("slashing", dealt)]))?;
        return save_against(&mut stage, play);
    }
    let (other, parts) = if let Some(parts) = inputs.get("one_attack_parts") {
        let parts = parts.as_object().context("parts")?.clone();
        (json!({}), parts)
    } else if let Some(temp) = number("temp_hp") {
        let dealt = json!({ "slashing": number("damage_dealt") });
        let hp = json!({ "hp": { "current": 100, "max": 100, "temp": temp } });
        (hp, dealt.as_object().context("parts")?.clone())
    } else if inputs.contains_key("why") {
        let immune = json!({ "immunities": [{ "types": ["fire"] }] });
        (immune, json!({ "fire": 10 }).as_object().context("parts")?.clone())
    } else {
        return sources(play, &inputs);
    };
    let parts: Vec<(&str, i64)> =
        parts.iter().map(|(kind, dealt)| (kind.as_str(), dealt.as_i64().unwrap_or(0))).collect();
    let mut stage = concentrating(play, &other, &blow(&parts))?;
    let dcs = dcs_of(&mut stage)?;
    Ok(match dcs.first() {
        Some(dc) => json!({ "saves_required": dcs.len(), "dc": dc }),
        None => json!({ "saves_required": 0 }),
    })
}

/// Several sources at once: an instance of damage each.
fn sources(play: &Play<'_>, inputs: &Map<String, Value>) -> Result<Value> {
    let mut dcs = Vec::new();
    for source in inputs.get("sources").and_then(Value::as_array).context("sources")? {
        for dealt in source.as_object().context("a source")?.values() {
            let dealt = dealt.as_i64().context("an amount")?;
            let mut stage = concentrating(play, &json!({}), &blow(&[("slashing", dealt)]))?;
            dcs.extend(dcs_of(&mut stage)?);
        }
    }
    Ok(json!({ "saves_required": dcs.len(), "dcs": dcs }))
}

/// DCs of the saves that a blow asks for.
fn dcs_of(stage: &mut Stage) -> Result<Vec<i32>> {
    let facts = stage.play(strike(false)?, &mut Tens)??;
    Ok(facts.iter().filter_map(dc_of).collect())
}

/// Every die shows its half.
struct Tens;

impl gss_rules::Dice for Tens {
    fn roll(&mut self, sides: u32) -> u32 {
        sides.div_ceil(2)
    }
}

fn dc_of(fact: &Fact) -> Option<i32> {
    match fact {
        Fact::SaveMade { dc, .. } => Some(*dc),
        _ => None,
    }
}

/// The case's die is the save's; the attack's own shows its half.
fn save_against(stage: &mut Stage, play: &mut Play<'_>) -> Result<Value> {
    struct Then<'d, 'a>(Option<u32>, &'d mut super::play::Script<'a>);
    impl gss_rules::Dice for Then<'_, '_> {
        fn roll(&mut self, sides: u32) -> u32 {
            self.0.take().unwrap_or_else(|| self.1.roll(sides))
        }
    }
    let facts = stage.play(strike(false)?, &mut Then(Some(10), &mut play.dice))??;
    let mut total = facts.iter().filter_map(|fact| match fact {
        Fact::Rolled { roll, .. } => Some(roll.total),
        _ => None,
    });
    let mut answer = kept(stage)?;
    answer["dc"] = json!(facts.iter().find_map(dc_of));
    answer["total"] = json!(total.next_back());
    Ok(answer)
}

fn kept(stage: &Stage) -> Result<Value> {
    Ok(json!({ "concentration_kept": stage.combatant(OTHER)?.concentration.is_some() }))
}

fn after(play: &Play<'_>, event: &str) -> Result<Value> {
    let mut stage = concentrating(play, &json!({}), &blow(&[("slashing", 100)]))?;
    let before = stage.combatant(OTHER)?.concentration;
    match event {
        "casts a second concentration spell" => stage.put(OTHER, Some(OTHER), spell(true))?,
        "casts a non-concentration spell" => stage.put(OTHER, Some(OTHER), spell(false))?,
        "ends it voluntarily (no action)" => stage.set(Command::EndConcentration { who: OTHER })?,
        "takes the Dodge action" => {
            stage.set(Command::EndTurn { who: ACTOR })?;
            stage.set(Command::Dodge { who: OTHER })?;
        }
        "drops to 0 HP (unconscious)" => {
            stage.play(strike(false)?, &mut Tens)??;
        }
        event => bail!("the event `{event}` is not known"),
    }
    let now = stage.combatant(OTHER)?.concentration;
    Ok(json!({ "concentration_kept": now.is_some() && now == before }))
}

#[derive(Deserialize)]
struct Exhaustion {
    level: u8,
    base_speed: Option<i32>,
    hp_max: Option<i32>,
    attack_bonus: Option<i32>,
    target_ac: Option<i32>,
    damage: Option<String>,
    /// Levels gained.
    gain: Option<u8>,
    #[serde(default)]
    long_rest: bool,
    #[serde(default)]
    fed_and_watered: bool,
}

fn exhausted(stage: &mut Stage, on: CombatantId, level: u8) -> Result<()> {
    let effect = json!({
        "name": "exhaustion", "duration": {"kind": "permanent"}, "conditions": ["exhaustion"],
        "exhaustion": level
    });
    stage.put(on, None, effect)
}

fn exhaustion(play: &mut Play<'_>) -> Result<Value> {
    let inputs: Exhaustion = play.inputs()?;
    let hp = inputs.hp_max.unwrap_or(20);
    let weapon = attack(
        "longsword",
        inputs.attack_bonus.unwrap_or(0),
        inputs.damage.as_deref().unwrap_or("1"),
    );
    let actor = block(&json!({
        "speeds": {"walk": inputs.base_speed.unwrap_or(30)},
        "hp": {"current": hp, "max": hp, "temp": 0}, "attacks": [weapon]
    }))?;
    let other = block(&json!({ "ac": inputs.target_ac.unwrap_or(10) }))?;
    let kind = CombatantKind::Character;
    let mut stage = Stage::new(&play.rules, (kind, actor), (kind, other), 5)?;
    exhausted(&mut stage, ACTOR, inputs.level)?;
    if inputs.gain.is_some() || inputs.long_rest {
        if let Some(gain) = inputs.gain {
            exhausted(&mut stage, ACTOR, gain)?;
        }
        let level = stage.view().exhaustion(ACTOR);
        let rule = play.rules.edition(Switch::Exhaustion);
        let rested = exhaustion_after_long_rest(level, inputs.fed_and_watered, rule);
        return Ok(json!({ "level": if inputs.long_rest { rested } else { level } }));
    }
    if inputs.attack_bonus.is_some() {
        let facts = stage.play(strike(false)?, &mut play.dice)??;
        return super::attacks::told(&facts);
    }
    let view = stage.view();
    let check = view.check_test(ACTOR, Ability::Wis, None);
    let combatant = stage.combatant(ACTOR)?;
    Ok(json!({
        "dead": combatant.life == Life::Dead,
        "ability_check_mode": check.mode(),
        "save_mode": view.save_test(ACTOR, Ability::Wis).mode(),
        "attack_mode": view.attack_mode(ACTOR, OTHER, &Key::parse("weapon")?)?,
        "speed": view.walk_ft(ACTOR),
        "hp_max": view.max_hp(ACTOR),
        "d20_test_penalty": check.added(),
    }))
}

#[derive(Deserialize)]
struct Dropped {
    kind: Option<CombatantKind>,
    hp: Option<i32>,
    hp_max: Option<i32>,
    #[serde(default)]
    temp_hp: i32,
    damage: Option<i64>,
    #[serde(default = "melee")]
    melee_attack: bool,
    #[serde(default)]
    knock_out: bool,
    medicine_total: Option<i64>,
}

const fn melee() -> bool {
    true
}

/// Somebody dying gets first aid with this total.
fn first_aid(play: &Play<'_>, total: i64) -> Result<Value> {
    let healer =
        json!({ "skills": { "medicine": total - 10 }, "attacks": [blow(&[("slashing", 20)])] });
    let actor = (CombatantKind::Character, block(&healer)?);
    let dying = json!({ "hp": {"current": 20, "max": 20, "temp": 0} });
    let other = (CombatantKind::Character, block(&dying)?);
    let mut stage = Stage::new(&play.rules, actor, other, 5)?;
    stage.play(strike(false)?, &mut Tens)??;
    for who in [ACTOR, OTHER, WITNESS] {
        stage.play(Command::EndTurn { who }, &mut Tens)??;
    }
    stage.play(Command::Stabilize { who: ACTOR, target: OTHER }, &mut Tens)??;
    Ok(json!({ "stable": stage.combatant(OTHER)?.life == Life::Stable }))
}

#[derive(Deserialize)]
struct Ends {
    dc: i32,
    total: i32,
}

fn save_ends(play: &mut Play<'_>) -> Result<Value> {
    let inputs: Ends = play.inputs()?;
    let actor = block(&json!({ "saves": { "wis": inputs.total - 10 } }))?;
    let kind = CombatantKind::Character;
    let mut stage = Stage::new(&play.rules, (kind, actor), (kind, block(&json!({}))?), 5)?;
    let mut effect = spell(false);
    effect["save_ends"] = json!({ "ability": "wis", "dc": inputs.dc });
    stage.put(ACTOR, Some(OTHER), effect)?;
    stage.play(Command::EndTurn { who: ACTOR }, &mut Tens)??;
    Ok(json!({ "effect_ends": stage.combat.effects_on(ACTOR).next().is_none() }))
}

fn dropped(play: &mut Play<'_>) -> Result<Value> {
    let inputs: Dropped = play.inputs()?;
    if let Some(total) = inputs.medicine_total {
        return first_aid(play, total);
    }
    let hp = inputs.hp.context("hp")?;
    let target = json!({
        "hp": {"current": hp, "max": inputs.hp_max.unwrap_or(20), "temp": inputs.temp_hp}
    });
    let mut weapon = blow(&[("slashing", inputs.damage.context("damage")?)]);
    if !inputs.melee_attack {
        weapon["kind"] = json!("ranged");
        weapon["range_ft"] = json!({"normal": 80});
    }
    let kind = inputs.kind.unwrap_or(CombatantKind::Character);
    let actor = (CombatantKind::Monster, block(&json!({ "attacks": [weapon] }))?);
    let mut stage = Stage::new(&play.rules, actor, (kind, block(&target)?), 5)?;
    let facts = match stage.play(strike(inputs.knock_out)?, &mut Tens)? {
        Ok(facts) => facts,
        Err(refusal @ Refusal::KnockOutNeedsMelee) => {
            return Ok(json!({ "allowed": false, "reason": refusal.to_string() }));
        }
        Err(refusal) => return Err(refusal.into()),
    };
    let victim = stage.combatant(OTHER)?;
    let massive = facts.iter().any(|fact| matches!(fact, Fact::Damaged { massive: true, .. }));
    let view = stage.view();
    let conditions: Vec<Condition> =
        Condition::ALL.into_iter().filter(|condition| view.has(OTHER, *condition)).collect();
    let outcome = if victim.life == Life::Dead { "dead" } else { "unconscious" };
    let mut answer = json!({
        "outcome": outcome, "hp": victim.hp.current, "stable": victim.life == Life::Stable,
        "conditions": conditions
    });
    if massive {
        answer["cause"] = json!("massive_damage");
    }
    if inputs.knock_out {
        answer["conditions"] =
            json!(conditions.contains(&Condition::Unconscious).then_some(["unconscious"]));
        answer["starts"] = json!((victim.hp.current == 1).then_some("short rest"));
    }
    Ok(answer)
}

#[derive(Deserialize)]
struct Save {
    ability: Ability,
    dc: Option<i32>,
    #[serde(default)]
    bonus: i32,
    #[serde(default)]
    bless: bool,
    #[serde(default)]
    bane: bool,
    #[serde(default)]
    dodging: bool,
    #[serde(default)]
    conditions: Vec<Condition>,
    #[serde(default)]
    cover: Cover,
}

fn die(key: &str, dice: &str) -> Value {
    json!({
        "name": key, "key": key, "duration": {"kind": "seconds", "seconds": 60},
        "modifiers": [{"kind": "die", "on": ["attack", "save"], "dice": dice}]
    })
}

fn save(play: &mut Play<'_>) -> Result<Value> {
    let inputs: Save = play.inputs()?;
    let name = serde_json::to_value(inputs.ability)?;
    let actor = block(&json!({ "saves": { (name.as_str().context("a name")?): inputs.bonus } }))?;
    let kind = CombatantKind::Character;
    let mut stage = Stage::new(&play.rules, (kind, actor), (kind, block(&json!({}))?), 5)?;
    for (is, key, dice) in [(inputs.bless, "bless", "1d4"), (inputs.bane, "bane", "-1d4")] {
        if is {
            stage.put(ACTOR, None, die(key, dice))?;
        }
    }
    if inputs.dodging {
        stage.set(Command::Dodge { who: ACTOR })?;
    }
    for condition in inputs.conditions {
        stage.afflict(ACTOR, condition, None)?;
    }
    let test = stage.view().save_test_behind(ACTOR, inputs.ability, inputs.cover);
    let Some(dc) = inputs.dc else { return Ok(json!({ "mode": test.mode() })) };
    let tested = test.roll(&mut play.dice);
    Ok(json!({ "total": tested.roll.total, "success": tested.roll.total >= i64::from(dc) }))
}

fn stacking(play: &mut Play<'_>) -> Result<Value> {
    let inputs: Map<String, Value> = play.inputs()?;
    let effects = inputs.get("effects").and_then(Value::as_array).context("effects")?;
    let kind = CombatantKind::Character;
    let plain = || block(&json!({}));
    let mut stage = Stage::new(&play.rules, (kind, plain()?), (kind, plain()?), 5)?;
    let mut rounds = Vec::new();
    for effect in effects {
        let text = effect.as_str().context("an effect")?;
        let number = |before: &str| {
            let at = text.find(before)? + before.len();
            let digits: String = text[at..].chars().take_while(char::is_ascii_digit).collect();
            digits.parse::<i32>().ok()
        };
        let mut spec = match text.split(' ').next().unwrap_or(text) {
            "bless" => die("bless", "1d4"),
            "bane" => die("bane", "-1d4"),
            "haste" => json!({
                "name": "haste", "key": "haste", "duration": {"kind": "seconds", "seconds": 60},
                "modifiers": [{"kind": "ac", "value": 2}]
            }),
            "aid" => json!({
                "name": "aid", "key": "aid", "duration": {"kind": "seconds", "seconds": 28800},
                "modifiers": [{"kind": "max_hp", "value": number("(+")}]
            }),
            other => bail!("the effect `{other}` is not known"),
        };
        if let Some(left) = number("(").filter(|_| text.contains("rounds left")) {
            spec["duration"] = json!({"kind": "rounds", "rounds": left});
            rounds.push(left);
        }
        stage.put(ACTOR, Some(OTHER), spec)?;
    }
    let view = stage.view();
    if !rounds.is_empty() {
        let dice = view.save_test(ACTOR, Ability::Wis).dice();
        let ends = stage.combat.effects_on(ACTOR).filter_map(|effect| effect.ends);
        let last = ends.map(|ends| ends.round - stage.combat.round).max();
        return Ok(json!({ "bonus_dice": dice, "rounds_left": last }));
    }
    let added = view.max_hp(ACTOR) - 100;
    if added > 0 {
        return Ok(json!({ "result": format!("+{added} only") }));
    }
    let both = view.save_test(ACTOR, Ability::Wis).dice()
        + usize::from(view.armor_class(ACTOR, Cover::None) > 10);
    Ok(json!({ "result": if both == 2 { "both apply" } else { "one applies" } }))
}
