//! Traits: cases written once, played with every creature that has the trait.
//!
//! The templates are `rules/content/overlay/proofs.json`; words that begin with `$` stand for what
//! differs between creatures.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use gss_rules::content::{Attack, AttackKind, Entry, Monster, StatBlock};
use gss_rules::{Edition, Key};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::dice::Thrown;
use super::stage::{AT, HP, Subject};
use crate::cargo;

/// Where the templates are.
const TEMPLATES: &str = "rules/content/overlay/proofs.json";

/// A case for every creature that has one of the traits.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Template {
    /// What it is called after the creature and the trait.
    name: String,
    traits: Vec<Key>,
    /// Absent: both.
    edition: Option<Edition>,
    /// Only these; empty: all.
    #[serde(default)]
    monsters: Vec<Key>,
    /// Not these.
    #[serde(default)]
    without: Vec<Key>,
    grid: Option<Value>,
    who: Value,
    #[serde(rename = "do")]
    steps: Vec<Value>,
    then: Value,
}

/// All cases of an edition.
pub(super) fn cases(edition: &str, monsters: &[&Monster]) -> Result<Vec<Value>> {
    let text = std::fs::read_to_string(cargo::root().join(TEMPLATES)).context(TEMPLATES)?;
    let templates: Vec<Template> = serde_json::from_str(&text).context(TEMPLATES)?;
    let this: Edition = serde_json::from_value(json!(edition))?;
    let known = super::charges::traits(edition)?;
    let mut cases = Vec::new();
    for monster in monsters {
        for entry in &monster.entries {
            let of = Subject { edition, monster, entry };
            cases.extend(super::charges::cases(&of, &known).unwrap_or_default());
            for template in &templates {
                let fits = template.traits.contains(&entry.id)
                    && template.edition.is_none_or(|it| it == this)
                    && (template.monsters.is_empty() || template.monsters.contains(&monster.id))
                    && !template.without.contains(&monster.id);
                if fits {
                    cases.extend(filled(edition, monster, entry, template));
                }
            }
        }
    }
    Ok(cases)
}

/// The template with a creature's words. None: one of them has no meaning for it.
fn filled(edition: &str, monster: &Monster, entry: &Entry, template: &Template) -> Option<Value> {
    let of = Subject { edition, monster, entry };
    let words = words(&of);
    let fill = |value: &Value| fill(value, &words);
    let steps = template.steps.iter().map(fill).collect::<Option<_>>()?;
    let who = fill(&template.who)?;
    let mut case = of.case(&template.name, who, steps, fill(&template.then)?);
    if let Some(grid) = &template.grid {
        case["grid"] = grid.clone();
    }
    Some(case)
}

fn fill(value: &Value, words: &BTreeMap<&str, Value>) -> Option<Value> {
    Some(match value {
        Value::String(word) if word.starts_with('$') => words.get(word.as_str())?.clone(),
        Value::Array(all) => {
            let mut filled = Vec::new();
            for it in all {
                match (it.as_str(), fill(it, words)?) {
                    // A list in a list stands for its members.
                    (Some(word), Value::Array(more)) if word.starts_with('$') => {
                        filled.extend(more);
                    }
                    (_, one) => filled.push(one),
                }
            }
            Value::Array(filled)
        }
        Value::Object(members) => {
            let mut filled = Map::new();
            for (name, it) in members {
                filled.insert(name.clone(), fill(it, words)?);
            }
            Value::Object(filled)
        }
        plain => plain.clone(),
    })
}

/// What the words stand for.
fn words(of: &Subject<'_>) -> BTreeMap<&'static str, Value> {
    let mut words = places(of);
    words.extend(strikes(of));
    words.extend(printed(of));
    words
}

/// Squares, ways and speeds.
fn places(of: &Subject<'_>) -> BTreeMap<&'static str, Value> {
    let block = &of.monster.block;
    let off = AT + of.side();
    let row = |from: i32, step: i32, count: i32, y: i32| {
        json!((1..=count).map(|it| [from + step * it, y]).collect::<Vec<_>>())
    };
    let speeds = block.speeds;
    let mode = if speeds.walk >= 10 {
        "walk"
    } else if speeds.fly.is_some() {
        "fly"
    } else {
        "swim"
    };
    let mut words = BTreeMap::from([
        ("$at", json!([AT, AT])),
        ("$next", json!([off, AT])),
        ("$into", json!([[AT + 1, AT]])),
        ("$ally", json!([off, AT + 1])),
        ("$far", json!([off + 5, AT])),
        ("$up", row(AT, -1, 1, AT)),
        ("$away", row(AT, -1, 3, AT)),
        ("$off", row(off, 1, 3, AT)),
        ("$off_beside", row(off, 1, 3, AT + 1)),
        ("$mode", json!(mode)),
        ("$walk", json!(speeds.walk)),
    ]);
    let facts = of.detail().facts.unwrap_or_default();
    if let Some(feet) = facts.feet.first() {
        words.insert("$leap", row(AT, -1, feet / 5, AT));
        words.insert("$leap_farther", row(AT, -1, feet / 5 + 1, AT));
        words.insert("$leapt", json!([AT - feet / 5, AT]));
        let lit = (feet + facts.feet.get(1).unwrap_or(&0)) / 5;
        words.insert("$lit", json!([off - 1 + lit, AT]));
        words.insert("$unlit", json!([off + lit, AT]));
    }
    words
}

/// The creature's attacks.
fn strikes(of: &Subject<'_>) -> BTreeMap<&'static str, Value> {
    let block = &of.monster.block;
    let attack =
        block.attacks.iter().find(|it| it.kind != AttackKind::Ranged && strikes_anybody(of, it));
    let covers = attack.is_some_and(|it| it.reach_ft == Some(0));
    let beside = if covers { AT } else { AT + of.side() };
    let mut words = BTreeMap::from([("$beside", json!([beside, AT]))]);
    if let Some(attack) = attack {
        words.insert("$attack", json!(attack.attack_id));
    }
    plain(&mut words, block);
    words
}

/// What the record says, and what the printed dice come to.
fn printed(of: &Subject<'_>) -> BTreeMap<&'static str, Value> {
    let hp = of.monster.block.hp.max;
    let facts = of.detail().facts.unwrap_or_default();
    let mut words = BTreeMap::from([
        ("$monster", json!(of.monster.id)),
        ("$max", json!(hp)),
        ("$half", json!(hp / 2)),
    ]);
    if let Some(back) = facts.hit_points.first() {
        words.insert("$healed", json!(1 + back));
        words.insert("$back", json!(back));
    }
    if let Some(save) = facts.saves.first() {
        let ability = json!(save.ability);
        let name = ability.as_str().unwrap_or_default();
        words.insert("$saves", json!({name: save.dc - 11}));
    }
    let mut thrown = Thrown::default();
    if let Some(part) = facts.damage.first()
        && let Some(dealt) = thrown.throw(&part.dice)
    {
        words.insert("$dice", json!(thrown.faces));
        words.insert("$burnt", json!(HP - dealt));
    }
    // The same dice after a d20.
    let mut after = Thrown::default();
    after.face(20, 11);
    if let Some(part) = facts.damage.last()
        && let Some(dealt) = after.throw(&part.dice)
    {
        words.insert("$answered", json!(after.faces));
        words.insert("$hurt", json!(HP - dealt));
    }
    words
}

/// The words for an attack that comes to its damage and no more.
fn plain(words: &mut BTreeMap<&'static str, Value>, block: &StatBlock) {
    // Nothing follows its hit, or only a failed save.
    let melee = || block.attacks.iter().filter(|it| it.kind != AttackKind::Ranged);
    let saved = |rider: &gss_rules::content::Rider| {
        rider.save.is_some_and(|save| save.dc <= 20)
            && rider.damage.is_empty()
            && rider.always.is_none()
    };
    let plain = melee().find(|it| it.on_hit.is_none());
    let plain = plain.or_else(|| melee().find(|it| it.on_hit.as_deref().is_some_and(saved)));
    if let Some(attack) = plain {
        let mut thrown = Thrown::default();
        thrown.face(20, 11);
        if let Some(dealt) = thrown.damage(&attack.damage) {
            if attack.on_hit.is_some() {
                thrown.face(20, 20);
            }
            words.insert("$plain", json!(attack.attack_id));
            words.insert("$ac", json!(attack.bonus + 11));
            words.insert("$hit", json!(thrown.faces));
            words.insert("$dealt", json!(HP - dealt));
            words.insert("$dealt_twice", json!(HP - 2 * dealt));
        }
    }
}

/// Whether an attack is for whoever is in reach, not for the helpless alone.
fn strikes_anybody(of: &Subject<'_>, attack: &Attack) -> bool {
    let targets = of.monster.details.get(&attack.attack_id).and_then(|it| it.targets.as_ref());
    targets.is_none_or(|it| !it.at_mercy)
}
