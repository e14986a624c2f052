//! Roles and visibility along a journal, read from the bodies of its events alone.
//!
//! Knows PROTOCOL sections 1 and 2 and none of the session's code, so that a wrong audience there
//! is not taken for right here.

use std::collections::BTreeMap;

use gss_shared::ids::{PlayerId, Version};
use gss_shared::message::Role;
use gss_shared::ports::journal::JournalEvent;
use serde_json::Value;

/// Types of the events that say who is what or who sees what.
const TOLD_OF: [&str; 9] = [
    "session_created",
    "member_joined",
    "role_changed",
    "member_left",
    "kicked",
    "banned",
    "settings_changed",
    "rolled_back",
    "combat_rewound",
];

/// Who was what, and who could see what, at each version.
#[derive(Clone, Debug, Default)]
pub struct Along {
    roles: BTreeMap<PlayerId, Vec<(Version, Option<Role>)>>,
    rules: Vec<(Version, Vec<(String, String)>)>,
    /// Changes after which viewers (None: all) need a snapshot.
    resyncs: Vec<(Version, Option<PlayerId>)>,
}

impl Along {
    /// Reads a journal. A body that cannot be read changes nothing here; the stream's checker
    /// stumbles over it.
    pub fn of(journal: &[JournalEvent]) -> Self {
        let mut along = Self::default();
        for event in journal.iter().filter(|event| TOLD_OF.contains(&event.event_type.as_str())) {
            let data: Value = serde_json::from_str(&event.data).unwrap_or_default();
            along.event(event.version, &event.event_type, &data);
        }
        along
    }

    fn event(&mut self, version: Version, event_type: &str, data: &Value) {
        let named = |member: &str| data[member].as_str().and_then(|id| id.parse().ok());
        let role = serde_json::from_value::<Role>(data["role"].clone()).ok();
        match event_type {
            "session_created" => {
                self.role(version, named("gm"), Some(Role::Gm));
                self.settings(version, &data["settings"]);
            }
            "member_joined" => self.role(version, named("player"), role),
            "role_changed" => {
                self.role(version, named("player"), role);
                if data["role"] != data["from"] {
                    self.resyncs.push((version, named("player")));
                }
            }
            "member_left" if data["character"].is_null() => {
                self.role(version, named("player"), None);
            }
            "kicked" | "banned" => self.role(version, named("player"), None),
            "settings_changed" => {
                let changed = self.settings(version, &data["settings"]);
                self.resyncs.extend(changed.then_some((version, None)));
            }
            "rolled_back" | "combat_rewound" => self.resyncs.push((version, None)),
            _ => {}
        }
    }

    fn role(&mut self, version: Version, player: Option<PlayerId>, role: Option<Role>) {
        if let Some(player) = player {
            self.roles.entry(player).or_default().push((version, role));
        }
    }

    /// Whether visibility is another now.
    fn settings(&mut self, version: Version, settings: &Value) -> bool {
        let word = |rule: &Value, member: &str| rule[member].as_str().unwrap_or("").to_owned();
        let rules = settings["visibility"].as_array().into_iter().flatten();
        let rules = rules.map(|rule| (word(rule, "prefix"), word(rule, "audience"))).collect();
        let changed = self.rules.last().is_some_and(|(_, before)| *before != rules);
        self.rules.push((version, rules));
        changed
    }

    /// The player's role from this version's event on; None: no member.
    pub fn role_at(&self, player: PlayerId, version: Version) -> Option<Role> {
        let changes = self.roles.get(&player)?;
        changes.iter().rev().find(|(since, _)| *since <= version)?.1
    }

    /// Versions from which on this player needs a snapshot.
    pub fn resyncs(&self, player: PlayerId) -> impl Iterator<Item = Version> {
        let concerns = move |whom: &Option<PlayerId>| whom.is_none_or(|whom| whom == player);
        self.resyncs.iter().filter(move |(_, whom)| concerns(whom)).map(|(version, _)| *version)
    }

    /// Whether a player may see this path, itself and not what is beneath.
    pub fn may_see(&self, path: &str, player: PlayerId, version: Version) -> bool {
        let Some(role) = self.role_at(player, version) else { return false };
        if role.is_gm() {
            return true;
        }
        let (length, built_in) = built_in(path);
        let rules = self.rules.iter().rev().find(|(since, _)| *since <= version);
        let rules = rules.into_iter().flat_map(|(_, rules)| rules);
        let longest = rules
            .filter(|(prefix, _)| within(path, prefix) && prefix.len() >= length)
            .max_by_key(|(prefix, _)| prefix.len());
        let audience = longest.map_or(built_in.as_str(), |(_, audience)| audience.as_str());
        let me = player.to_string();
        audience == "all"
            || audience.strip_prefix("player:").is_some_and(|id| id.eq_ignore_ascii_case(&me))
    }

    /// Leaves of a value at a path that the player may not see. Null stands for what is hidden.
    pub fn hidden(
        &self,
        path: &str,
        value: &Value,
        player: PlayerId,
        version: Version,
    ) -> Vec<String> {
        let beneath = |key: &str, value: &Value| {
            let key = key.replace('~', "~0").replace('/', "~1");
            self.hidden(&format!("{path}/{key}"), value, player, version)
        };
        match value {
            Value::Null => Vec::new(),
            Value::Object(members) if !members.is_empty() => {
                members.iter().flat_map(|(key, value)| beneath(key, value)).collect()
            }
            Value::Array(items) if !items.is_empty() => {
                let items = items.iter().enumerate();
                items.flat_map(|(at, value)| beneath(&at.to_string(), value)).collect()
            }
            _ if path.is_empty() || self.may_see(path, player, version) => Vec::new(),
            _ => vec![path.to_owned()],
        }
    }
}

/// The longest prefix of PROTOCOL section 2 that covers the path, by length, and its audience.
fn built_in(path: &str) -> (usize, String) {
    if within(path, "/gm") {
        return ("/gm".len(), "gm".to_owned());
    }
    match path.strip_prefix("/players/") {
        Some(rest) => {
            let id = rest.split('/').next().unwrap_or(rest);
            ("/players/".len() + id.len(), format!("player:{id}"))
        }
        None => (0, "all".to_owned()),
    }
}

fn within(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
