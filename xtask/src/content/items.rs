//! Gear of both editions, by name: ammunition and what does something in a fight.

use anyhow::{Context, Result};
use gss_rules::content::{Gear, Section};
use serde_json::Value;

use super::digest;
use super::raw::RawEntry;
use super::source51::key;
use super::text::{number, re};

/// Of SRD 5.1: key of the source, key here. One key for both editions where the thing is the same.
const OLD: [(&str, &str); 20] = [
    ("acid-vial", "acid"),
    ("alchemists-fire-flask", "alchemists-fire"),
    ("antitoxin-vial", "antitoxin"),
    ("arrow", "arrow"),
    ("ball-bearings-bag-of-1000", "ball-bearings"),
    ("blowgun-needle", "blowgun-needle"),
    ("caltrops", "caltrops"),
    ("crossbow-bolt", "crossbow-bolt"),
    ("healers-kit", "healers-kit"),
    ("holy-water-flask", "holy-water"),
    ("hunting-trap", "hunting-trap"),
    ("manacles", "manacles"),
    ("oil-flask", "oil"),
    ("poison-basic-vial", "poison-basic"),
    ("potion-of-healing-common", "potion-of-healing"),
    ("potion-of-healing-greater", "potion-of-greater-healing"),
    ("potion-of-healing-superior", "potion-of-superior-healing"),
    ("potion-of-healing-supreme", "potion-of-supreme-healing"),
    ("rope-hempen-50-feet", "rope"),
    ("sling-bullet", "sling-bullet"),
];
/// Of SRD 5.2.1. Ammunition has the names that its weapons give it.
const NEW: [(&str, &str); 20] = [
    ("acid", "acid"),
    ("alchemists-fire", "alchemists-fire"),
    ("antitoxin", "antitoxin"),
    ("arrows", "arrow"),
    ("ball-bearings", "ball-bearings"),
    ("bolts", "bolt"),
    ("bullets-firearm", "bullet-firearm"),
    ("bullets-sling", "bullet-sling"),
    ("caltrops", "caltrops"),
    ("chain", "chain"),
    ("healers-kit", "healers-kit"),
    ("holy-water", "holy-water"),
    ("hunting-trap", "hunting-trap"),
    ("manacles", "manacles"),
    ("needles", "needle"),
    ("net", "net"),
    ("oil", "oil"),
    ("poison-basic", "poison-basic"),
    ("potion-of-healing", "potion-of-healing"),
    ("rope", "rope"),
];

/// Reads the gear of an edition.
pub(super) fn gear(edition: &str, sources: &Value) -> Result<Vec<Gear>> {
    let names = if edition == "5.1" { OLD } else { NEW };
    let tables = ["equipment", "magic_items"].map(|name| sources[edition][name].as_array());
    let all: Vec<&Value> = tables.into_iter().flatten().flatten().collect();
    let mut gear = Vec::new();
    for (source, id) in names {
        let record = all.iter().find(|it| it["index"] == source).context(source)?;
        gear.push(one(record, id).context(source)?);
    }
    gear.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(gear)
}

fn one(source: &Value, id: &str) -> Result<Gear> {
    let lines = source["desc"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let mut text = lines.collect::<Vec<_>>().join(" ");
    text.push_str(source["description"].as_str().unwrap_or_default());
    let name = source["name"].as_str().context("name")?;
    let entry = RawEntry::new(Section::Action, name, &text, source).context("name")?;
    let uses = re!(r"has ([a-z]+) uses").captures(&entry.lower);
    let old = source["gear_category"]["index"] == "ammunition";
    let new = source["equipment_categories"][0]["index"] == "ammunition";
    Ok(Gear {
        id: key(id)?,
        name: name.to_owned(),
        ammunition: old || new,
        uses: uses.and_then(|it| number(&it[1])),
        facts: digest::scan(&entry).facts(),
    })
}
