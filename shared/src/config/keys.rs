//! What is known of a key beside its type: for sources without types and for the example file.

use figment::value::Value;

/// One table of the file.
pub(super) struct Section {
    /// Its name.
    pub(super) name: &'static str,
    /// Its documentation, by line.
    pub(super) about: &'static [&'static str],
    /// Its keys, in order.
    pub(super) keys: &'static [Key],
}

/// One key of a section.
pub(super) struct Key {
    /// Its name.
    pub(super) name: &'static str,
    /// Its documentation, by line.
    pub(super) about: &'static [&'static str],
    /// How its value reads from text.
    pub(super) read: fn(&str) -> Value,
}
