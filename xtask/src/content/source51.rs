//! Stat blocks of SRD 5.1, from the SQLite file of 5e-bits.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use gss_rules::Key;
use gss_rules::combat::HitPoints;
use gss_rules::content::{ArmorClassWhen, Defense, Legendary, Section, StatBlock};
use gss_rules::effect::{DamageDice, Quality};
use gss_rules::{Ability, Condition, CreatureType, DamageType, Senses, Speeds};
use serde_json::Value;

use super::raw::{RawEntry, RawMonster, unique};
use super::text::{formula, re, slug, word};

const SECTIONS: [(&str, Section); 4] = [
    ("special_abilities", Section::Trait),
    ("actions", Section::Action),
    ("reactions", Section::Reaction),
    ("legendary_actions", Section::Legendary),
];

/// Reads all blocks.
pub(super) fn monsters(sources: &Value) -> Result<Vec<RawMonster>> {
    let records = sources["5.1"]["monsters"].as_array().context("no monsters")?;
    let read = |it: &Value| monster(it).with_context(|| it["index"].to_string());
    records.iter().map(read).collect()
}

fn monster(source: &Value) -> Result<RawMonster> {
    let id = key(source["index"].as_str().context("index")?)?;
    let (ac, ac_when) = armor_class(source)?;
    let mut traits = Vec::new();
    if source["senses"]["blindsight"].as_str().is_some_and(|it| it.contains("blind beyond")) {
        traits.push(key("blind-beyond-blindsight")?);
    }
    let block = StatBlock {
        ac,
        resistances: defenses(source, "damage_resistances", &mut traits)?,
        immunities: defenses(source, "damage_immunities", &mut traits)?,
        vulnerabilities: defenses(source, "damage_vulnerabilities", &mut traits)?,
        ..numbers(source)?
    };
    let mut entries = Vec::new();
    for (name, section) in SECTIONS {
        for it in source[name].as_array().into_iter().flatten() {
            entries.push(entry(section, it).with_context(|| it["name"].to_string())?);
        }
    }
    unique(&mut entries);
    let legendary = entries.iter().any(|it| it.section == Section::Legendary);
    let legendary = legendary.then_some(Legendary { actions: Some(3), resistances: None });
    let forms = source["forms"].as_array().into_iter().flatten();
    Ok(RawMonster {
        id,
        name: source["name"].as_str().context("name")?.to_owned(),
        challenge: challenge(source["challenge_rating"].as_f64().context("challenge")?),
        xp: int(&source["xp"])?.try_into()?,
        forms: forms
            .map(|it| key(it["index"].as_str().unwrap_or_default()))
            .collect::<Result<_>>()?,
        ac_when,
        block: StatBlock { legendary, traits, ..block },
        entries,
    })
}

fn numbers(source: &Value) -> Result<StatBlock> {
    let kind = source["type"].as_str().context("type")?;
    let (kind, swarm) = match kind.strip_prefix("swarm of Tiny ") {
        Some(kind) => (kind.trim_end_matches('s'), true),
        None => (kind, false),
    };
    let subtypes = source["subtype"].as_str().into_iter().flat_map(|it| it.split(", "));
    let tags = subtypes.chain(swarm.then_some("swarm")).filter(|it| *it != "any race");
    let (saves, skills) = bonuses(source)?;
    let score = |name: &str| int(&source[name])?.try_into().context("score");
    let hp = int(&source["hit_points"])?;
    let conditions = source["condition_immunities"].as_array().into_iter().flatten();
    let condition = |it: &Value| word::<Condition>(it["index"].as_str()?);
    Ok(StatBlock {
        size: word(source["size"].as_str().context("size")?).context("size")?,
        creature_type: Some(word::<CreatureType>(kind).context("type")?),
        tags: tags.map(|it| key(&slug(it))).collect::<Result<_>>()?,
        abilities: gss_rules::Abilities {
            str: score("strength")?,
            dex: score("dexterity")?,
            con: score("constitution")?,
            int: score("intelligence")?,
            wis: score("wisdom")?,
            cha: score("charisma")?,
        },
        proficiency_bonus: Some(int(&source["proficiency_bonus"])?),
        ac: 0,
        hp: HitPoints { current: hp, max: hp, temp: 0 },
        hp_dice: source["hit_points_roll"].as_str().and_then(formula),
        speeds: speeds(&source["speed"])?,
        senses: senses(&source["senses"])?,
        initiative_bonus: None,
        saves,
        skills,
        resistances: Vec::new(),
        immunities: Vec::new(),
        vulnerabilities: Vec::new(),
        condition_immunities: conditions
            .map(|it| condition(it).with_context(|| it.to_string()))
            .collect::<Result<_>>()?,
        attacks: Vec::new(),
        multiattack: Vec::new(),
        uses: Vec::new(),
        spellcasting: None,
        legendary: None,
        resources: BTreeMap::new(),
        traits: Vec::new(),
    })
}

type Bonuses = (BTreeMap<Ability, i32>, BTreeMap<gss_rules::Skill, i32>);

fn bonuses(source: &Value) -> Result<Bonuses> {
    let (mut saves, mut skills) = (BTreeMap::new(), BTreeMap::new());
    for it in source["proficiencies"].as_array().into_iter().flatten() {
        let name = it["proficiency"]["index"].as_str().context("proficiency")?;
        let value = int(&it["value"])?;
        if let Some(ability) = name.strip_prefix("saving-throw-") {
            saves.insert(word(ability).context("save")?, value);
        } else {
            let skill = name.strip_prefix("skill-").context("neither save nor skill")?;
            skills.insert(word(&skill.replace('-', "_")).context("skill")?, value);
        }
    }
    Ok((saves, skills))
}

/// All Armor Classes that are printed: the first that always holds, a shield carried, a spell cast.
fn armor_class(source: &Value) -> Result<(i32, Vec<ArmorClassWhen>)> {
    let list = source["armor_class"].as_array().context("armor_class")?;
    let mut ac = int(&list.first().context("no armor class")?["value"])?;
    let mut when = Vec::new();
    let other = |ac| ArmorClassWhen { ac, condition: None, spell: None, without: None };
    for it in list.iter().skip(1) {
        let value = int(&it["value"])?;
        match it["type"].as_str() {
            Some("armor") => {
                let armor = it["armor"][0]["index"].as_str().context("armor")?;
                when.push(ArmorClassWhen { without: Some(key(armor)?), ..other(ac) });
                ac = value;
            }
            Some("spell") => {
                let spell = key(it["spell"]["index"].as_str().context("spell")?)?;
                when.push(ArmorClassWhen { spell: Some(spell), ..other(value) });
            }
            Some("condition") => {
                let name = it["condition"]["index"].as_str().context("condition")?;
                when.push(ArmorClassWhen { condition: word(name), ..other(value) });
            }
            kind => bail!("armor class of kind {kind:?}"),
        }
    }
    Ok((ac, when))
}

fn speeds(source: &Value) -> Result<Speeds> {
    let of = |name: &str| source[name].as_str().map(feet).transpose();
    Ok(Speeds {
        walk: of("walk")?.unwrap_or(0),
        fly: of("fly")?,
        swim: of("swim")?,
        climb: of("climb")?,
        burrow: of("burrow")?,
        hover: source["hover"].as_bool().unwrap_or(false),
    })
}

fn senses(source: &Value) -> Result<Senses> {
    let of = |name: &str| source[name].as_str().map(feet).transpose();
    Ok(Senses {
        darkvision_ft: of("darkvision")?,
        blindsight_ft: of("blindsight")?,
        tremorsense_ft: of("tremorsense")?,
        truesight_ft: of("truesight")?,
        passive_perception: Some(int(&source["passive_perception"])?),
    })
}

/// Defenses; what the schema has no words for becomes a trait's name.
fn defenses(source: &Value, name: &str, traits: &mut Vec<Key>) -> Result<Vec<Defense>> {
    let mut found = Vec::new();
    let mut plain: Vec<DamageType> = Vec::new();
    for it in source[name].as_array().into_iter().flatten() {
        let it = it.as_str().context("no text")?;
        if let Some(kind) = word(it) {
            plain.push(kind);
            continue;
        }
        match it {
            "damage from spells" => traits.push(key("spell-damage-resistance")?),
            "piercing from magic weapons wielded by good creatures" => {
                traits.push(key("good-magic-piercing-vulnerability")?);
            }
            _ => found.push(nonmagical(it).with_context(|| it.to_owned())?),
        }
    }
    if !plain.is_empty() {
        found.insert(0, Defense { types: plain, unless: Vec::new() });
    }
    Ok(found)
}

fn nonmagical(text: &str) -> Option<Defense> {
    let found = re!(
        r"^([a-z, ]+) from nonmagical (?:weapons|attacks)(?: that aren't (silvered|adamantine))?(?: \(from stoneskin\))?$"
    )
    .captures(text)?;
    let types = found[1].split([',', ' ']).filter(|it| !it.is_empty() && *it != "and");
    let mut unless = vec![Quality::Magical];
    unless.extend(found.get(2).and_then(|it| word::<Quality>(it.as_str())));
    Some(Defense { types: types.map(word).collect::<Option<_>>()?, unless })
}

fn entry(section: Section, source: &Value) -> Result<RawEntry> {
    let name = source["name"].as_str().context("name")?;
    let text = source["desc"].as_str().context("desc")?;
    let entry = RawEntry::new(section, name, text, source).context("name")?;
    let usage = &source["usage"];
    let times = |name: &str| usage[name].as_u64().and_then(|it| u8::try_from(it).ok());
    let damage = source["damage"].as_array().into_iter().flatten();
    Ok(RawEntry {
        recharge: times("min_value"),
        per_day: times("times"),
        rest: usage["type"] == "recharge after rest",
        bonus: source["attack_bonus"].as_i64().and_then(|it| i32::try_from(it).ok()),
        damage: damage.flat_map(damages).collect(),
        dc: source["dc"]["dc_value"].as_i64().and_then(|it| i32::try_from(it).ok()),
        ..entry
    })
}

/// A damage, or the damages to choose from.
fn damages(source: &Value) -> Vec<DamageDice> {
    if let Some(options) = source["from"]["options"].as_array() {
        return options.iter().flat_map(damages).collect();
    }
    let kind = source["damage_type"]["index"].as_str().and_then(word);
    let dice = source["damage_dice"].as_str().and_then(formula);
    dice.zip(kind).map(|(dice, kind)| DamageDice { dice, kind }).into_iter().collect()
}

pub(super) fn int(value: &Value) -> Result<i32> {
    Ok(value.as_i64().with_context(|| format!("{value} is no number"))?.try_into()?)
}

pub(super) fn key(text: &str) -> Result<Key> {
    Ok(Key::try_from(text.to_owned())?)
}

fn feet(text: &str) -> Result<i32> {
    let found = re!(r"^(\d+) ft\.").captures(text).with_context(|| text.to_owned())?;
    Ok(found[1].parse()?)
}

fn challenge(rating: f64) -> String {
    let eighths = rating * 8.0;
    match eighths {
        1.0 => "1/8".to_owned(),
        2.0 => "1/4".to_owned(),
        4.0 => "1/2".to_owned(),
        _ => format!("{rating}"),
    }
}
