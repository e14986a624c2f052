//! Names of pieces of content.

use serde::{Deserialize, Serialize};

/// Name of a spell, stat block, attack, use, trait or effect: `fire-bolt`.
/// 1 to 64 of `a-z 0-9 _ -`, beginning with a letter or digit.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Key(Box<str>);

/// Why text is no [`Key`].
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("`{0}` is no key: 1 to 64 of a-z, 0-9, _ and -, the first a letter or digit")]
pub struct KeyError(String);

impl Key {
    /// Reads a key.
    ///
    /// # Errors
    /// [`KeyError`] if it is none.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let begins = |first: u8| first.is_ascii_lowercase() || first.is_ascii_digit();
        let goes_on = |byte: u8| begins(byte) || byte == b'_' || byte == b'-';
        let valid = text.len() <= 64
            && text.bytes().next().is_some_and(begins)
            && text.bytes().all(goes_on);
        if valid { Ok(Self(text.into())) } else { Err(KeyError(text.to_owned())) }
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
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

impl TryFrom<String> for Key {
    type Error = KeyError;

    fn try_from(text: String) -> Result<Self, KeyError> {
        Self::parse(&text)
    }
}

impl From<Key> for String {
    fn from(key: Key) -> Self {
        key.0.into()
    }
}
