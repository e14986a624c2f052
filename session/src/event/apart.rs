//! What is stored of a message that some are told otherwise than others: the difference.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// How an object is other than another one.
#[derive(Clone, PartialEq, Default, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Apart {
    /// Members that the other has not, or has otherwise.
    #[serde(skip_serializing_if = "Map::is_empty")]
    set: Map<String, Value>,
    /// Members that only the other has.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    gone: Vec<String>,
    /// Members that are objects in both, and how they are other.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    within: BTreeMap<String, Self>,
}

impl Apart {
    /// How `whole` is other than `base`.
    pub(super) fn of(whole: &Map<String, Value>, base: &Map<String, Value>) -> Self {
        let mut apart = Self::default();
        for (name, value) in whole {
            match (value, base.get(name)) {
                (value, Some(other)) if value == other => {}
                (Value::Object(value), Some(Value::Object(other))) => {
                    apart.within.insert(name.clone(), Self::of(value, other));
                }
                _ => {
                    apart.set.insert(name.clone(), value.clone());
                }
            }
        }
        apart.gone = base.keys().filter(|name| !whole.contains_key(*name)).cloned().collect();
        apart
    }

    /// What is so other than `base`.
    pub(super) fn onto(self, base: &Map<String, Value>) -> Map<String, Value> {
        let mut whole = base.clone();
        whole.retain(|name, _| !self.gone.contains(name));
        whole.extend(self.set);
        for (name, apart) in self.within {
            if let Some(Value::Object(other)) = base.get(&name) {
                whole.insert(name, apart.onto(other).into());
            }
        }
        whole
    }
}
