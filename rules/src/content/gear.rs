//! Things that are used in a fight and are neither weapon nor armor.

use serde::{Deserialize, Serialize};

use super::{Facts, Key};

/// Ammunition, a flask to throw, a kit, a potion (SRD 5.1 "Adventuring Gear"; SRD 5.2.1
/// "Adventuring Gear"). What it does is an effect program's to say.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gear {
    /// Its key.
    pub id: Key,
    /// As it is printed.
    pub name: String,
    /// What weapons shoot.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ammunition: bool,
    /// How often it can be used; absent: once, and it is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uses: Option<u8>,
    /// Its numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facts: Option<Facts>,
}
