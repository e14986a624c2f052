//! Spells of both editions: the heading from the source's fields, dice, saves and areas from the
//! structure where the text says the same.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use gss_rules::Expression;
use gss_rules::content::{
    Area, CastingTime, Component, DamagePart, Scaling, Shape, Spell, SpellAttack, SpellDuration,
    SpellRange, SpellSave,
};
use gss_rules::{Ability, DamageType};
use serde_json::Value;

use super::attack::ability;
use super::source51::key;
use super::text::{formula, re, seconds, slug, uniform, word};

/// Reads all spells of an edition.
pub(super) fn spells(edition: &str, sources: &Value) -> Result<Vec<Spell>> {
    let records = sources[edition]["spells"].as_array().context("no spells")?;
    let structure = sources["structure"]["spells"].as_array().context("no structure")?;
    let structure: BTreeMap<String, &Value> =
        structure.iter().map(|it| (slug(it["name"].as_str().unwrap_or_default()), it)).collect();
    let read = |it: &Value| -> Result<Spell> {
        let name = it["name"].as_str().context("name")?;
        let other = structure.get(&slug(name)).copied();
        let spell = if edition == "5.1" { old(it) } else { new(it, other) };
        spell.with_context(|| name.to_owned())
    };
    let mut spells: Vec<Spell> = records.iter().map(read).collect::<Result<_>>()?;
    spells.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(spells)
}

fn old(source: &Value) -> Result<Spell> {
    let list = |name: &str| -> Vec<&str> {
        source[name].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
    };
    let text = uniform(&list("desc").join(" ")).to_lowercase();
    let classes = source["classes"].as_array().into_iter().flatten();
    let components = list("components").into_iter().map(component);
    let material = source["material"].as_str().unwrap_or_default();
    let dc = &source["dc"];
    let save = word::<Ability>(dc["dc_type"]["index"].as_str().unwrap_or_default());
    let (healing, healing_modifier, healing_scaling) = old_healing(&source["heal_at_slot_level"]);
    Ok(Spell {
        id: key(source["index"].as_str().context("index")?)?,
        name: uniform(source["name"].as_str().context("name")?),
        level: level(source)?,
        school: word(source["school"]["index"].as_str().context("school")?).context("school")?,
        classes: classes
            .map(|it| key(it["index"].as_str().unwrap_or_default()))
            .collect::<Result<_>>()?,
        casting_time: casting_time(source["casting_time"].as_str().context("casting time")?)?,
        ritual: source["ritual"].as_bool().unwrap_or(false),
        range: range(source["range"].as_str().context("range")?)?,
        components: components.collect::<Option<_>>().context("components")?,
        material_gp: cost(material),
        consumed: material.contains("consume"),
        duration: duration(source["duration"].as_str().context("duration")?)?,
        concentration: source["concentration"].as_bool().unwrap_or(false),
        area: old_area(&source["area_of_effect"], &text),
        attack: source["attack_type"].as_str().and_then(attack),
        save: save
            .filter(|it| text.contains(it.name()))
            .map(|ability| SpellSave { ability, half: dc["dc_success"] == "half" }),
        damage: old_damage(&source["damage"], &text, &list("higher_level").join(" ")),
        healing,
        healing_modifier,
        healing_scaling,
    })
}

fn new(source: &Value, structure: Option<&Value>) -> Result<Spell> {
    let name = source["name"].as_str().context("name")?;
    let text = uniform(source["description"].as_str().context("description")?).to_lowercase();
    let printed = source["components"].as_str().context("components")?;
    let letters = printed.split('(').next().unwrap_or_default().split(',');
    let casting = source["casting_time"].as_str().context("casting time")?;
    let classes = source["classes"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let lasts = source["duration"].as_str().context("duration")?;
    let activities = structure.and_then(|it| it["activities"].as_array());
    let activities = activities.map(Vec::as_slice).unwrap_or_default();
    let attack_kind = re!(r"make a (ranged|melee) spell attack").captures(&text);
    let (healing, healing_modifier, healing_scaling) = new_healing(activities, &text);
    Ok(Spell {
        id: key(&slug(name))?,
        name: uniform(name),
        level: level(source)?,
        school: word(source["school"].as_str().context("school")?).context("school")?,
        classes: classes.map(|it| key(&slug(it))).collect::<Result<_>>()?,
        casting_time: casting_time(casting)?,
        ritual: casting.contains("Ritual"),
        range: range(source["range"].as_str().context("range")?)?,
        components: letters
            .map(|it| component(it.trim()))
            .collect::<Option<_>>()
            .with_context(|| printed.to_owned())?,
        material_gp: cost(printed),
        consumed: printed.contains("consume"),
        duration: duration(lasts)?,
        concentration: lasts.starts_with("Concentration"),
        area: new_area(&text).filter(|it| has_template(activities, it)),
        attack: attack_kind.and_then(|it| attack(&it[1])),
        save: new_save(activities, &text),
        damage: new_damage(activities, &text, level(source)? == 0),
        healing,
        healing_modifier,
        healing_scaling,
    })
}

fn level(source: &Value) -> Result<u8> {
    Ok(source["level"].as_u64().context("level")?.try_into()?)
}

fn attack(text: &str) -> Option<SpellAttack> {
    word(text)
}

fn component(letter: &str) -> Option<Component> {
    Some(match letter {
        "V" => Component::Verbal,
        "S" => Component::Somatic,
        "M" => Component::Material,
        _ => return None,
    })
}

/// The costs that are printed, added up.
fn cost(text: &str) -> Option<u32> {
    let costs = re!(r"(\d[\d,]*)\+? ?(?:gp|GP)\b").captures_iter(text);
    let sum: u32 = costs.filter_map(|it| it[1].replace(',', "").parse::<u32>().ok()).sum();
    (sum > 0).then_some(sum)
}

fn casting_time(text: &str) -> Result<CastingTime> {
    let minutes = |text: &str| -> Option<u32> {
        let found = re!(r"(\d+) (minute|hour)s?").captures(text)?;
        Some(found[1].parse::<u32>().ok()? * seconds(&found[2]) / 60)
    };
    let lower = text.to_lowercase();
    let lower = lower.trim_start_matches("1 ");
    Ok(if lower.starts_with("action (") {
        CastingTime::ActionOrMinutes { minutes: minutes(lower).context("how long")? }
    } else if lower.starts_with("action") {
        CastingTime::Action
    } else if lower.starts_with("bonus action") {
        CastingTime::BonusAction
    } else if lower.starts_with("reaction") {
        CastingTime::Reaction
    } else {
        CastingTime::Minutes { minutes: minutes(text).with_context(|| text.to_owned())? }
    })
}

fn range(text: &str) -> Result<SpellRange> {
    Ok(match text {
        "Self" => SpellRange::Caster,
        "Touch" => SpellRange::Touch,
        "Sight" => SpellRange::Sight,
        "Unlimited" => SpellRange::Unlimited,
        "Special" => SpellRange::Special,
        _ => {
            let found =
                re!(r"^(\d+) (feet|miles?)$").captures(text).with_context(|| text.to_owned())?;
            let feet = if &found[2] == "feet" { 1 } else { 5_280 };
            SpellRange::Feet { feet: found[1].parse::<u32>()? * feet }
        }
    })
}

fn duration(text: &str) -> Result<SpellDuration> {
    let text = text.to_lowercase();
    let text = text.trim_start_matches("concentration").trim_start_matches([',', ' ']);
    let text = text.trim_start_matches("up to ");
    Ok(match text {
        "instantaneous" => SpellDuration::Instant,
        "until dispelled" => SpellDuration::UntilDispelled,
        "until dispelled or triggered" => SpellDuration::UntilDispelledOrTriggered,
        "special" => SpellDuration::Special,
        _ => {
            let found = re!(r"^(\d+) (round|minute|hour|day)s?$").captures(text);
            let found = found.with_context(|| text.to_owned())?;
            let count: u32 = found[1].parse()?;
            match &found[2] {
                "round" => SpellDuration::Rounds { rounds: count },
                unit => SpellDuration::Seconds { seconds: count * seconds(unit) },
            }
        }
    })
}

fn old_area(source: &Value, text: &str) -> Option<Area> {
    let shape: Shape = word(source["type"].as_str()?)?;
    let size = i32::try_from(source["size"].as_i64()?).ok()?;
    if !["-foot", " foot", " feet"].iter().any(|unit| text.contains(&format!("{size}{unit}"))) {
        return None;
    }
    let number = |found: Option<regex::Captures<'_>>| found.and_then(|it| it[1].parse().ok());
    let mut area = Area::new(shape, size);
    match shape {
        Shape::Line => area.width_ft = number(re!(r"(\d+) feet wide").captures(text)),
        Shape::Cylinder => {
            let high = re!(r"(\d+)[ -]f(?:oo|ee)t[ -](?:high|tall)").captures(text);
            area.height_ft = number(high);
        }
        Shape::Sphere | Shape::Cube | Shape::Cone | Shape::Emanation => {}
    }
    Some(area)
}

fn new_area(text: &str) -> Option<Area> {
    let line = re!(r"(\d+)-foot-long, (\d+)-foot-wide line").captures(text);
    let cylinder = re!(
        r"(\d+)-foot-radius, (\d+)-foot-(?:high|tall) cylinder|(\d+)-foot-(?:high|tall), (\d+)-foot-radius cylinder"
    )
    .captures(text);
    let simple = re!(r"(\d+)-foot(?:-radius)? (sphere|cube|cone|emanation)").captures(text);
    let first = [&line, &cylinder, &simple].into_iter().flatten();
    let first = first.min_by_key(|it| it.get(0).map(|it| it.start()))?;
    let number = |group: usize| first.get(group).and_then(|it| it.as_str().parse::<i32>().ok());
    let whole = first.get(0)?.as_str();
    if whole.ends_with("line") {
        return Some(Area { width_ft: number(2), ..Area::new(Shape::Line, number(1)?) });
    }
    if whole.ends_with("cylinder") {
        let (size, height) = (number(1).or_else(|| number(4))?, number(2).or_else(|| number(3)));
        return Some(Area { height_ft: height, ..Area::new(Shape::Cylinder, size) });
    }
    Some(Area::new(word(first.get(2)?.as_str())?, number(1)?))
}

/// Whether the structure has an area of the same form and size.
fn has_template(activities: &[Value], area: &Area) -> bool {
    activities.iter().any(|it| {
        let template = &it["target"]["template"];
        let shape = match template["type"].as_str() {
            Some("radius") => Some(Shape::Emanation),
            Some(shape) => word(shape),
            None => None,
        };
        let size = template["size"].as_str().and_then(|it| it.parse().ok());
        shape == Some(area.shape) && size == Some(area.size_ft)
    })
}

/// Whether text has these dice, written with or without blanks.
fn says(text: &str, dice: &Expression) -> bool {
    let text = text.replace(' ', "");
    let wanted = dice.as_str();
    text.match_indices(wanted).any(|(at, _)| {
        let before = text.get(..at).and_then(|it| it.chars().next_back());
        let after = text.get(at + wanted.len()..).and_then(|it| it.chars().next());
        !before.is_some_and(|it| it.is_ascii_digit())
            && !after.is_some_and(|it| it.is_ascii_digit())
    })
}

/// Damage of the structure whose dice the text has too.
fn old_damage(source: &Value, text: &str, higher: &str) -> Vec<DamagePart> {
    let Some(kind) = source["damage_type"]["index"].as_str().and_then(word::<DamageType>) else {
        return Vec::new();
    };
    let table = |name: &str| -> BTreeMap<u8, Expression> {
        let entries = source[name].as_object().into_iter().flatten();
        let one = |(level, dice): (&String, &Value)| {
            Some((level.parse().ok()?, formula(dice.as_str()?)?))
        };
        entries.filter_map(one).collect()
    };
    let (by_slot, by_level) = (table("damage_at_slot_level"), table("damage_at_character_level"));
    let levels = if by_slot.is_empty() { by_level.clone() } else { by_slot.clone() };
    let Some(dice) = levels.values().next().cloned() else { return Vec::new() };
    if !says(text, &dice) {
        return Vec::new();
    }
    let grows = levels.values().any(|it| *it != dice);
    let table =
        if by_slot.is_empty() { Scaling::AtLevel(by_level) } else { Scaling::AtSlot(by_slot) };
    // Some tables have their first row only; the sentence has the rest.
    let by_sentence = re!(
        r"^When you cast this spell using a spell slot of \w+ level or higher, the damage(?: for both effects)? increases by (\d+d\d+) for each slot level above"
    );
    let by_sentence = by_sentence.captures(higher).and_then(|it| formula(&it[1]));
    let scaling = grows.then_some(table).or(by_sentence.map(Scaling::PerSlot));
    vec![DamagePart { dice, types: vec![kind], scaling }]
}

type Healing = (Option<Expression>, bool, Option<Scaling>);

fn old_healing(source: &Value) -> Healing {
    let mut levels = BTreeMap::new();
    let mut modifier = false;
    for (level, dice) in source.as_object().into_iter().flatten() {
        let Some(text) = dice.as_str() else { continue };
        modifier |= text.ends_with(" + MOD");
        let dice = formula(text.trim_end_matches(" + MOD"));
        if let (Ok(level), Some(dice)) = (level.parse::<u8>(), dice) {
            levels.insert(level, dice);
        }
    }
    let first = levels.values().next().cloned();
    let scaling = (levels.len() > 1).then_some(Scaling::AtSlot(levels));
    (first, modifier, scaling)
}

/// The structure's first save, if the text names it; else the text's only one.
fn new_save(activities: &[Value], text: &str) -> Option<SpellSave> {
    let half = text.contains("half as much damage on a successful")
        || text.contains("half as much damage on a success");
    let named: Vec<Ability> = re!(r"([a-z]+) saving throw")
        .captures_iter(text)
        .filter_map(|it| ability(&it[1]))
        .collect();
    let structured =
        activities.iter().find_map(|it| word::<Ability>(it["save"]["ability"][0].as_str()?));
    let first = structured.filter(|it| named.contains(it));
    let only = named.first().filter(|first| named.iter().all(|it| it == *first)).copied();
    let is_against =
        re!(r"(?:makes?|succeed on|make) an? [a-z]+ (?:saving throw|save)").is_match(text);
    let ability = first.or_else(|| only.filter(|_| is_against))?;
    Some(SpellSave { ability, half })
}

/// Damage of the structure's first activity with any, if the text has all of its dice.
fn new_damage(activities: &[Value], text: &str, cantrip: bool) -> Vec<DamagePart> {
    let parts = activities.iter().find_map(|it| {
        let parts = it["damage"]["parts"].as_array()?;
        (!parts.is_empty()).then_some(parts)
    });
    let mut damage = Vec::new();
    for part in parts.into_iter().flatten() {
        let Some(dice) = structured_dice(part).filter(|it| says(text, it)) else {
            return Vec::new();
        };
        let types = part["types"].as_array().into_iter().flatten();
        let types: Option<Vec<DamageType>> = types.map(|it| word(it.as_str()?)).collect();
        let Some(types) = types.filter(|it| !it.is_empty()) else { return Vec::new() };
        let scaling = if cantrip { upgrades(text) } else { grows(part, text) };
        damage.push(DamagePart { dice, types, scaling });
    }
    damage
}

fn structured_dice(part: &Value) -> Option<Expression> {
    let (number, sides) = (part["number"].as_u64()?, part["denomination"].as_u64()?);
    match part["bonus"].as_str()? {
        "" | "@mod" => formula(&format!("{number}d{sides}")),
        bonus => formula(&format!("{number}d{sides}+{bonus}")),
    }
}

/// What the structure says a part grows by for each slot level, if the text has those dice.
fn grows(part: &Value, text: &str) -> Option<Scaling> {
    let scaling = &part["scaling"];
    if scaling["mode"] != "whole" || !text.contains("for each spell slot level above") {
        return None;
    }
    let sides = part["denomination"].as_u64();
    let dice = match scaling["formula"].as_str() {
        Some("") | None => formula(&format!("{}d{}", scaling["number"].as_u64()?, sides?))?,
        Some(fixed) => formula(fixed)?,
    };
    says(text, &dice).then_some(Scaling::PerSlot(dice))
}

/// `levels 5 (2d10), 11 (3d10), and 17 (4d10)`
fn upgrades(text: &str) -> Option<Scaling> {
    let found = re!(r"5 \((\d+d\d+)\), 11 \((\d+d\d+)\),? and 17 \((\d+d\d+)\)").captures(text)?;
    let levels = [(5, 1), (11, 2), (17, 3)];
    let one = |(level, group): (u8, usize)| Some((level, formula(&found[group])?));
    levels.into_iter().map(one).collect::<Option<_>>().map(Scaling::AtLevel)
}

fn new_healing(activities: &[Value], text: &str) -> Healing {
    let heals =
        activities.iter().find(|it| it["kind"] == "heal" && it["healing"]["types"][0] == "healing");
    let Some(healing) = heals.map(|it| &it["healing"]) else { return (None, false, None) };
    let bonus = healing["bonus"].as_str().unwrap_or_default();
    let dice = match structured_dice(healing) {
        Some(dice) => Some(dice),
        None => formula(bonus),
    };
    let written = dice.clone().filter(|it| says(text, it) || says(text, &plain(it)));
    if written.is_none() {
        return (None, false, None);
    }
    (dice, bonus == "@mod", grows(healing, text))
}

/// Dice without what is added to them.
fn plain(dice: &Expression) -> Expression {
    let first = dice.as_str().split('+').next().unwrap_or_default();
    formula(first).unwrap_or_else(|| dice.clone())
}
