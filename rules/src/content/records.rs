//! From a text to records by key.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Key;

/// Why a text is not content.
#[derive(Debug, thiserror::Error)]
pub enum ContentError {
    /// The text is no JSON array.
    #[error("{kind}: no list of records")]
    Syntax {
        /// Of what.
        kind: &'static str,
        /// Where and why.
        #[source]
        source: serde_json::Error,
    },
    /// A record is not what it should be.
    #[error("{kind}: record {record}: {field}")]
    Record {
        /// Of what.
        kind: &'static str,
        /// Its id, or its place from 1 where it has none.
        record: String,
        /// Path of the field in it.
        field: String,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// A program is one of no spell.
    #[error("programs: there is no spell {record}")]
    NoSpell {
        /// Its id.
        record: Key,
    },
    /// Two records of one id.
    #[error("{kind}: record {record} is there twice")]
    Twice {
        /// Of what.
        kind: &'static str,
        /// Its id.
        record: Key,
    },
}

/// Reads a list of records and files them by their id.
pub(super) fn read<T: DeserializeOwned>(
    kind: &'static str,
    text: &str,
    id: impl Fn(&T) -> &Key,
) -> Result<BTreeMap<Key, T>, ContentError> {
    let values: Vec<Value> =
        serde_json::from_str(text).map_err(|source| ContentError::Syntax { kind, source })?;
    let mut records = BTreeMap::new();
    for (index, value) in values.into_iter().enumerate() {
        let named = value.get("id").and_then(Value::as_str).map(str::to_owned);
        let record: T = serde_path_to_error::deserialize(value).map_err(|error| {
            let field = error.path().to_string();
            let record = named.unwrap_or_else(|| (index + 1).to_string());
            ContentError::Record { kind, record, field, source: error.into_inner() }
        })?;
        let key = id(&record).clone();
        if records.insert(key.clone(), record).is_some() {
            return Err(ContentError::Twice { kind, record: key });
        }
    }
    Ok(records)
}
