//! The fifteen conditions. What they do is content: effect templates in the language of spells.

use serde::{Deserialize, Serialize};

/// A condition (SRD 5.1 appendix "Conditions"; SRD 5.2.1 "Rules Glossary").
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Condition {
    Blinded,
    Charmed,
    Deafened,
    Exhaustion,
    Frightened,
    Grappled,
    Incapacitated,
    Invisible,
    Paralyzed,
    Petrified,
    Poisoned,
    Prone,
    Restrained,
    Stunned,
    Unconscious,
}

impl Condition {
    /// All fifteen.
    pub const ALL: [Self; 15] = [
        Self::Blinded,
        Self::Charmed,
        Self::Deafened,
        Self::Exhaustion,
        Self::Frightened,
        Self::Grappled,
        Self::Incapacitated,
        Self::Invisible,
        Self::Paralyzed,
        Self::Petrified,
        Self::Poisoned,
        Self::Prone,
        Self::Restrained,
        Self::Stunned,
        Self::Unconscious,
    ];

    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Blinded => "blinded",
            Self::Charmed => "charmed",
            Self::Deafened => "deafened",
            Self::Exhaustion => "exhaustion",
            Self::Frightened => "frightened",
            Self::Grappled => "grappled",
            Self::Incapacitated => "incapacitated",
            Self::Invisible => "invisible",
            Self::Paralyzed => "paralyzed",
            Self::Petrified => "petrified",
            Self::Poisoned => "poisoned",
            Self::Prone => "prone",
            Self::Restrained => "restrained",
            Self::Stunned => "stunned",
            Self::Unconscious => "unconscious",
        }
    }
}
