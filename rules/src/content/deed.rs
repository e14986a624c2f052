//! What named uses of stat blocks do: programs, read once for each creature that has the use.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::de::Error;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{ContentError, Detail, Facts, Key, Monster};
use crate::effect::{Case, Duration, Op, Targets};

/// What a use does that the block has no numbers for. Its words may stand for numbers of the
/// creature's record, its [`Facts`]: `$feet.0` is the first distance, `$damage.1` the second damage,
/// and so with `$dice`, `$dc` and `$ability` (of a save), `$check` (a DC that is no save's), `$hp` and
/// `$bonus`; `-$dice.0` is dice to be taken off. A save without an ability is the first save.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deed {
    /// Its key, one of a kind in its file.
    pub id: Key,
    /// The use; absent: of the deed's own key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<Key>,
    /// Only for these; empty: for all that have the use, where the record says no more of it than
    /// numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub monsters: Vec<Key>,
    /// The entry that has the numbers; absent: the use's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facts_of: Option<Key>,
    /// What saves against it must reach; absent: that of the first save.
    #[serde(default)]
    pub dc: i32,
    /// It is magic.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub magical: bool,
    /// What must be so of the user.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<Case>,
    /// Its user concentrates on it, for so long at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concentrates: Option<Duration>,
    /// What comes with it: attacks, movement, actions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Detail>,
    /// Whom it is about; absent: its user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub targets: Option<Targets>,
    /// What is done, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub does: Vec<Op>,
}

/// Deeds built in for SRD 5.1.
pub(super) const E51: &[&str] = &[
    include_str!("../../content/overlay/5.1/programs/breaths.json"),
    include_str!("../../content/overlay/5.1/programs/actions.json"),
    include_str!("../../content/overlay/5.1/programs/others.json"),
];

/// The same for SRD 5.2.1.
pub(super) const E52: &[&str] = &[
    include_str!("../../content/overlay/5.2/programs/breaths.json"),
    include_str!("../../content/overlay/5.2/programs/actions.json"),
    include_str!("../../content/overlay/5.2/programs/others.json"),
];

/// Deeds by creature and use.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Deeds(BTreeMap<Key, BTreeMap<Key, Arc<Deed>>>);

/// What a record of a deed says before it is read for a creature.
#[derive(Deserialize)]
struct Head {
    id: Key,
    of: Option<Key>,
    #[serde(default)]
    monsters: Vec<Key>,
    facts_of: Option<Key>,
}

impl Deeds {
    /// Reads the deeds of all creatures. One for a creature by name goes before one for all.
    ///
    /// # Errors
    /// [`ContentError`]: a deed that is not understood, that stands for a number which the creature
    /// has not, or that is nobody's.
    pub fn new(texts: &[&str], monsters: &BTreeMap<Key, Monster>) -> Result<Self, ContentError> {
        let mut deeds = Self::default();
        for named in [false, true] {
            for text in texts {
                deeds.read(text, monsters, named)?;
            }
        }
        Ok(deeds)
    }

    fn read(
        &mut self,
        text: &str,
        monsters: &BTreeMap<Key, Monster>,
        named: bool,
    ) -> Result<(), ContentError> {
        let values: Vec<Value> = serde_json::from_str(text)
            .map_err(|source| ContentError::Syntax { kind: KIND, source })?;
        for value in values {
            let head: Head = serde_json::from_value(value.clone())
                .map_err(|source| wrong(&value["id"].to_string(), "head", source))?;
            if head.monsters.is_empty() == named {
                continue;
            }
            let of = head.of.as_ref().unwrap_or(&head.id);
            let mut found = false;
            for monster in monsters.values() {
                let meant = if named {
                    head.monsters.contains(&monster.id) && has(monster, of)
                } else {
                    is_open(monster, of)
                };
                if meant {
                    found = true;
                    let deed = read_for(&head, value.clone(), monster, of)?;
                    let own = self.0.entry(monster.id.clone()).or_default();
                    own.insert(of.clone(), Arc::new(deed));
                }
            }
            if !found {
                return Err(ContentError::NoSpell { record: head.id });
            }
        }
        Ok(())
    }

    /// What a creature's use does.
    pub fn get(&self, monster: &Key, id: &Key) -> Option<&Arc<Deed>> {
        self.0.get(monster)?.get(id)
    }
}

fn has(monster: &Monster, of: &Key) -> bool {
    monster.block.uses.iter().any(|it| it.use_id == *of)
}

/// Whether a record leaves to a deed what a use does.
fn is_open(monster: &Monster, of: &Key) -> bool {
    let Some(action) = monster.block.uses.iter().find(|it| it.use_id == *of) else { return false };
    let says = action.save.is_some()
        || action.healing.is_some()
        || !action.damage.is_empty()
        || action.always.is_some();
    let does = monster.details.get(of).is_some_and(|it| {
        !it.makes.is_empty()
            || !it.casts.is_empty()
            || !it.takes.is_empty()
            || it.moves_percent.is_some()
            || it.leaps_ft.is_some()
            || it.check.is_some()
            || it.parry.is_some()
            || it.teleports
    });
    !says && !does
}

const KIND: &str = "deeds";

fn wrong(record: &str, field: &str, source: serde_json::Error) -> ContentError {
    ContentError::Record { kind: KIND, record: record.to_owned(), field: field.to_owned(), source }
}

/// A deed with the numbers of a creature.
fn read_for(
    head: &Head,
    mut value: Value,
    monster: &Monster,
    of: &Key,
) -> Result<Deed, ContentError> {
    let record = format!("{} of {}", head.id, monster.id);
    let nothing = Facts::default();
    let detail = monster.details.get(head.facts_of.as_ref().unwrap_or(of));
    let facts = detail.and_then(|it| it.facts.as_ref()).unwrap_or(&nothing);
    fill(&mut value, facts).map_err(|source| wrong(&record, "numbers", source))?;
    if let (Some(members), Some(save)) = (value.as_object_mut(), facts.saves.first()) {
        members.entry("dc").or_insert(json!(save.dc));
    }
    serde_path_to_error::deserialize(value).map_err(|error| {
        let field = error.path().to_string();
        wrong(&record, &field, error.into_inner())
    })
}

/// Puts numbers where words stand for them.
fn fill(value: &mut Value, facts: &Facts) -> Result<(), serde_json::Error> {
    match value {
        Value::String(word) => {
            if let Some(name) = word.strip_prefix('$') {
                *value = number(name, facts)?;
            } else if let Some(name) = word.strip_prefix("-$") {
                let found = number(name, facts)?;
                *value = json!(format!("-{}", found.as_str().unwrap_or_default()));
            }
            Ok(())
        }
        Value::Array(all) => all.iter_mut().try_for_each(|it| fill(it, facts)),
        Value::Object(members) => {
            for name in ["save", "save_ends"] {
                if let Some(Value::Object(save)) = members.get_mut(name) {
                    with_ability(save, facts);
                }
            }
            members.values_mut().try_for_each(|it| fill(it, facts))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

fn with_ability(save: &mut Map<String, Value>, facts: &Facts) {
    if let Some(first) = facts.saves.first() {
        save.entry("ability").or_insert(json!(first.ability));
    }
}

/// The number that a word stands for.
fn number(name: &str, facts: &Facts) -> Result<Value, serde_json::Error> {
    let (kind, index) = name.split_once('.').unwrap_or((name, "0"));
    let index: usize = index.parse().map_err(|_| Error::custom(format!("${name}")))?;
    let save = facts.saves.get(index);
    let found = match kind {
        "feet" => facts.feet.get(index).map(|it| json!(it)),
        "damage" => {
            facts.damage.get(index).map(|it| json!({"dice": it.dice.as_str(), "types": [it.kind]}))
        }
        "dice" => facts.dice.get(index).map(|it| json!(it)),
        "dc" => save.map(|it| json!(it.dc)),
        "ability" => save.map(|it| json!(it.ability)),
        "check" => facts.dcs.get(index).map(|it| json!(it)),
        "hp" => facts.hit_points.get(index).map(|it| json!(it)),
        "bonus" => facts.bonuses.get(index).map(|it| json!(it)),
        _ => None,
    };
    found.ok_or_else(|| Error::custom(format!("no ${name}")))
}
