//! A session's settings (PROTOCOL section 2): what the GM chooses.
//!
//! Owns their types, bounds and defaults. Kept small: what is seldom set is text.

mod patch;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

pub(crate) use patch::Unknown;

use crate::visibility::{Rule, Visibility};

/// Who may join.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Join {
    /// Anybody.
    #[default]
    Open,
    /// Who has an invite code.
    Invite,
    /// Nobody.
    Closed,
}

/// What the GM chooses.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Settings {
    /// 1–100, without GMs and spectators.
    pub(crate) max_players: u32,
    pub(crate) join: Join,
    /// Whether there may be any.
    pub(crate) spectators: bool,
    pub(crate) physical_dice: bool,
    /// 0–120; 0: waits.
    pub(crate) reaction_seconds: u32,
    /// 0–600; 0: the GM acts.
    pub(crate) turn_seconds: u32,
    /// Canonical JSON object of the switches that were set; None: none.
    #[serde(default, with = "object_text", skip_serializing_if = "Option::is_none")]
    pub(crate) rules: Option<Box<str>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) visibility: Vec<Rule>,
    #[serde(default)]
    pub(crate) limits: Limits,
}

/// Operator-bounded rates; None: the default.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Limits {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) messages_per_minute: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) combat_actions_per_minute: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) state_saves_per_minute: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) joins_per_minute: Option<u32>,
}

impl Limits {
    /// Messages of one connection unless set.
    pub(crate) const MESSAGES: u32 = 100;
    const COMBAT_ACTIONS: u32 = 20;
    const STATE_SAVES: u32 = 60;
    const JOINS: u32 = 30;
    /// The operator's cap of each.
    const CAP: u32 = 60_000;
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_players: 10,
            join: Join::Open,
            spectators: true,
            physical_dice: false,
            reaction_seconds: 15,
            turn_seconds: 0,
            rules: None,
            visibility: Vec::new(),
            limits: Limits::default(),
        }
    }
}

/// For whom settings are shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Show {
    /// With `visibility`.
    Gms,
    /// Without.
    Others,
}

impl Settings {
    /// Who may see what.
    pub(crate) fn visibility(&self) -> Visibility<'_> {
        Visibility(&self.visibility)
    }

    /// As the protocol shows them, defaults filled in.
    pub(crate) fn show(&self, to: Show) -> Value {
        let mut rules = self.rules();
        rules.entry("edition").or_insert_with(|| json!("5.2"));
        let limits = &self.limits;
        let mut shown = json!({
            "max_players": self.max_players,
            "join": self.join,
            "spectators": self.spectators,
            "rules": rules,
            "physical_dice": self.physical_dice,
            "reaction_seconds": self.reaction_seconds,
            "turn_seconds": self.turn_seconds,
            "limits": {
                "messages_per_minute": limits.messages_per_minute.unwrap_or(Limits::MESSAGES),
                "combat_actions_per_minute":
                    limits.combat_actions_per_minute.unwrap_or(Limits::COMBAT_ACTIONS),
                "state_saves_per_minute":
                    limits.state_saves_per_minute.unwrap_or(Limits::STATE_SAVES),
                "joins_per_minute": limits.joins_per_minute.unwrap_or(Limits::JOINS),
            },
        });
        if to == Show::Gms {
            shown["visibility"] = json!(self.visibility);
        }
        shown
    }

    /// The switches that were set.
    pub(crate) fn rules(&self) -> Map<String, Value> {
        let parsed = self.rules.as_deref().map(serde_json::from_str);
        parsed.and_then(Result::ok).unwrap_or_default()
    }

    /// Bytes beside the struct itself.
    pub(crate) fn heap_bytes(&self) -> usize {
        let rule = |rule: &Rule| size_of::<Rule>() + rule.prefix.len();
        self.rules.as_deref().map_or(0, str::len) + self.visibility.iter().map(rule).sum::<usize>()
    }
}

/// A JSON object kept as its canonical text.
pub(crate) mod object_text {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use serde_json::{Map, Value};

    pub(crate) fn serialize<S: Serializer>(
        text: &Option<Box<str>>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        let parse = |text: &str| serde_json::from_str::<Map<String, Value>>(text);
        let object = text.as_deref().map(parse).transpose();
        object.map_err(serde::ser::Error::custom)?.serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Box<str>>, D::Error> {
        let object = Option::<Map<String, Value>>::deserialize(from)?;
        Ok(object.map(|object| Value::Object(object).to_string().into()))
    }
}
