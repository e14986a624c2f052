//! Names of pieces of content.

use serde::{Deserialize, Serialize};

/// Longest key, in characters.
const MOST: usize = 64;

/// Name of a piece of content: a spell, stat block, attack, feature, item. 1 to 64 of `a-z`, `0-9`,
/// `_` and `-`, the first a letter or digit.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Key(String);

/// Text that is no key.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("`{0}` is no key: 1 to 64 of a-z, 0-9, _ and -, the first a letter or digit")]
pub struct KeyError(String);

impl Key {
    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Key {
    type Error = KeyError;

    fn try_from(text: String) -> Result<Self, KeyError> {
        let first = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let good = text.len() <= MOST
            && text.starts_with(first)
            && text.chars().all(|c| first(c) || c == '_' || c == '-');
        if good { Ok(Self(text)) } else { Err(KeyError(text)) }
    }
}

impl From<Key> for String {
    fn from(key: Key) -> Self {
        key.0
    }
}

impl std::borrow::Borrow<str> for Key {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
