//! Who is hidden in the fight along a journal, read from the bodies of its events alone.

use std::collections::BTreeMap;

use gss_shared::ids::{PlayerId, Version};
use gss_shared::ports::journal::JournalEvent;
use serde_json::Value;

/// Combatants that are hidden, each with its owner.
type Those = BTreeMap<String, Value>;

/// Which combatants only GMs and their owners may know of, at each version.
#[derive(Clone, Debug, Default)]
pub struct Hidden {
    since: Vec<(Version, Those)>,
}

impl Hidden {
    /// Reads a journal.
    pub fn of(journal: &[JournalEvent]) -> Self {
        let mut hidden = Self::default();
        for event in journal {
            // Who is hidden no longer is set without the word.
            let told = ["\"combatant_set\"", "\"hidden\"", "\"fight\"", "\"ended\""];
            if told.iter().any(|word| event.data.contains(word)) {
                let data: Value = serde_json::from_str(&event.data).unwrap_or_default();
                hidden.event(event.version, &event.event_type, &data);
            }
        }
        hidden
    }

    fn event(&mut self, version: Version, event_type: &str, data: &Value) {
        let change = &data["change"];
        let mut those = self.since.last().map(|(_, those)| those.clone()).unwrap_or_default();
        let mut note = |combatant: &Value| {
            let id = combatant["id"].as_str().unwrap_or_default().to_owned();
            if combatant["hidden"] == true {
                those.insert(id, combatant["owner"].clone());
            } else {
                those.remove(&id);
            }
        };
        let facts = change["step"]["step"]["facts"].as_array().into_iter().flatten();
        for fact in facts {
            if let Some(combatant) = fact["combatant_set"].get("combatant") {
                note(combatant);
            }
        }
        let whole = match event_type {
            "combat_started" => Some(&change["set"]),
            "combat_rewound" | "rolled_back" => Some(&data["fight"]),
            "combat_ended" => Some(&Value::Null),
            _ => None,
        };
        if let Some(fight) = whole {
            those = Those::new();
            for combatant in fight["combat"]["combatants"].as_object().into_iter().flatten() {
                if combatant.1["hidden"] == true {
                    those.insert(combatant.0.clone(), combatant.1["owner"].clone());
                }
            }
        }
        self.since.push((version, those));
    }

    /// Those that a player who is no GM may not know of at this version.
    pub fn from(&self, player: PlayerId, version: Version) -> impl Iterator<Item = &str> {
        let after = self.since.partition_point(|(since, _)| *since <= version);
        let those = after.checked_sub(1).and_then(|at| self.since.get(at));
        let those = those.into_iter().flat_map(|(_, those)| those);
        those.filter(move |(_, owner)| **owner != player.to_string()).map(|(id, _)| id.as_str())
    }
}
