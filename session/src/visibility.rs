//! Who may see what of the document (PROTOCOL section 2).
//!
//! Owns the map from paths to readers: `/shared` all, `/players/{id}` that player and GMs, `/gm`
//! GMs, any other member all, and the prefixes of `settings.visibility` over these. The longest
//! prefix decides. GMs see everything. For others an object with readers of its own beneath is there
//! only as long as they see a member of it, so that hidden changes cannot be noticed. A hidden
//! element of an array shows as null, so that the others keep their index.

use std::str::FromStr;

use gss_shared::ids::PlayerId;
use gss_shared::message::{Audience, Viewer};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::document::pointer::{child, within};

/// Who may see a path, beside the GMs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Reader {
    All,
    Gms,
    Player(PlayerId),
}

impl Reader {
    pub(crate) fn admits(self, viewer: Viewer) -> bool {
        viewer.role.is_gm()
            || match self {
                Self::All => true,
                Self::Gms => false,
                Self::Player(player) => viewer.player == player,
            }
    }

    pub(crate) fn audience(self) -> Audience {
        match self {
            Self::All => Audience::All,
            Self::Gms => Audience::gms(),
            Self::Player(player) => Audience::Some { gms: true, players: [player].into() },
        }
    }
}

impl FromStr for Reader {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "all" => Ok(Self::All),
            "gm" => Ok(Self::Gms),
            _ => text.strip_prefix("player:").and_then(player_id).map(Self::Player).ok_or(()),
        }
    }
}

/// A UUID as the protocol writes it: with hyphens, in either case.
pub(crate) fn player_id(text: &str) -> Option<PlayerId> {
    (text.len() == 36).then(|| text.parse().ok()).flatten()
}

/// One entry of `settings.visibility`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Rule {
    /// A JSON Pointer.
    pub(crate) prefix: Box<str>,
    /// Who may see it and what is beneath.
    #[serde(with = "reader_text")]
    pub(crate) audience: Reader,
}

mod reader_text {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::Reader;

    pub(super) fn serialize<S: Serializer>(reader: &Reader, to: S) -> Result<S::Ok, S::Error> {
        match reader {
            Reader::All => to.serialize_str("all"),
            Reader::Gms => to.serialize_str("gm"),
            Reader::Player(player) => to.collect_str(&format_args!("player:{player}")),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Reader, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map_err(|()| serde::de::Error::custom("not an audience"))
    }
}

/// The readers of all paths of a session.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Visibility<'a>(pub(crate) &'a [Rule]);

impl Visibility<'_> {
    /// Who may see this path; what is beneath may have others.
    pub(crate) fn reader(self, path: &str) -> Reader {
        let (length, built_in) = built_in(path);
        let rules = self.0.iter().filter(|rule| within(path, &rule.prefix));
        match rules.max_by_key(|rule| rule.prefix.len()) {
            Some(rule) if rule.prefix.len() >= length => rule.audience,
            Some(_) | None => built_in,
        }
    }

    /// Whether something strictly beneath may have another reader.
    pub(crate) fn varies_beneath(self, path: &str) -> bool {
        path.is_empty()
            || path == "/players"
            || self.0.iter().any(|rule| *rule.prefix != *path && within(&rule.prefix, path))
    }

    /// Whether this viewer may not see the path or something that a rule names beneath it.
    pub(crate) fn hides(self, path: &str, viewer: Viewer) -> bool {
        let mut beneath = self.0.iter().filter(|rule| within(&rule.prefix, path));
        !self.reader(path).admits(viewer)
            || beneath.any(|rule| !self.reader(&rule.prefix).admits(viewer))
    }

    /// Players that rules name at or beneath the path.
    pub(crate) fn named_beneath(self, path: &str) -> impl Iterator<Item = PlayerId> {
        self.0.iter().filter(move |rule| within(&rule.prefix, path)).filter_map(|rule| {
            match rule.audience {
                Reader::Player(player) => Some(player),
                Reader::All | Reader::Gms => None,
            }
        })
    }

    /// Whether [`Visibility::project`] leaves this viewer anything of the value.
    pub(crate) fn shows(self, path: &str, value: &Value, viewer: Viewer) -> bool {
        let visible = self.reader(path).admits(viewer);
        if viewer.role.is_gm() || !self.varies_beneath(path) {
            return visible;
        }
        match value {
            Value::Object(members) => {
                let mut members = members.iter();
                path.is_empty()
                    || members.any(|(key, value)| self.shows(&child(path, key), value, viewer))
            }
            Value::Array(items) => {
                let mut items = items.iter().enumerate();
                let mut shown =
                    |(at, value)| self.shows(&child(path, &usize::to_string(&at)), value, viewer);
                visible || items.any(&mut shown)
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => visible,
        }
    }

    /// What this viewer sees of the value at the path.
    pub(crate) fn project(self, path: &str, value: &Value, viewer: Viewer) -> Option<Value> {
        let visible = self.reader(path).admits(viewer);
        if viewer.role.is_gm() || !self.varies_beneath(path) {
            return visible.then(|| value.clone());
        }
        match value {
            Value::Object(members) => {
                let seen: Map<String, Value> = members
                    .iter()
                    .filter_map(|(key, value)| {
                        let value = self.project(&child(path, key), value, viewer)?;
                        Some((key.clone(), value))
                    })
                    .collect();
                (path.is_empty() || !seen.is_empty()).then_some(Value::Object(seen))
            }
            Value::Array(items) => {
                let seen: Vec<Option<Value>> = items
                    .iter()
                    .enumerate()
                    .map(|(at, value)| self.project(&child(path, &at.to_string()), value, viewer))
                    .collect();
                let any = visible || seen.iter().any(Option::is_some);
                any.then(|| seen.into_iter().map(|value| value.unwrap_or(Value::Null)).collect())
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                visible.then(|| value.clone())
            }
        }
    }
}

/// Whose place in `/players` the path is in.
pub(crate) fn owner(path: &str) -> Option<PlayerId> {
    let rest = path.strip_prefix("/players/")?;
    player_id(rest.split('/').next().unwrap_or(rest))
}

/// Reader of a path without settings, and the length of the prefix that says so.
fn built_in(path: &str) -> (usize, Reader) {
    if within(path, "/gm") {
        return (3, Reader::Gms);
    }
    match path.strip_prefix("/players/") {
        Some(rest) => {
            let token = rest.split('/').next().unwrap_or(rest);
            let reader = player_id(token).map_or(Reader::Gms, Reader::Player);
            ("/players/".len() + token.len(), reader)
        }
        None => (0, Reader::All),
    }
}

#[cfg(test)]
mod tests {
    use gss_shared::message::Role;
    use serde_json::json;

    use super::*;

    const ARIA: &str = "59ba1b0d-5c90-4158-a909-406c2e416788";
    const BREN: &str = "5d32fe61-985f-44e7-aa09-5ee82bb29976";

    fn viewer(player: &str, role: Role) -> Viewer {
        Viewer { player: player.parse().expect("uuid"), role }
    }

    fn rules(entries: &[(&str, &str)]) -> Vec<Rule> {
        let rule = |(prefix, audience): &(&str, &str)| Rule {
            prefix: (*prefix).into(),
            audience: audience.parse().expect("audience"),
        };
        entries.iter().map(rule).collect()
    }

    #[test]
    fn longest_prefix_decides() {
        let rules = rules(&[
            ("/shared/traps", "gm"),
            ("/shared/traps/known", "all"),
            ("/gm/board", "all"),
            ("/letters/bren", &format!("player:{BREN}")),
        ]);
        let visibility = Visibility(&rules);
        let cases = [
            ("/shared/door", Reader::All),
            ("/shared/traps", Reader::Gms),
            ("/shared/trapsx", Reader::All),
            ("/shared/traps/known/pit", Reader::All),
            ("/gm/notes", Reader::Gms),
            ("/gm/board/a", Reader::All),
            ("/players", Reader::All),
            ("/players/nobody/x", Reader::Gms),
        ];
        for (path, expected) in cases {
            assert_eq!(visibility.reader(path), expected, "{path}");
        }
        let aria = viewer(ARIA, Role::Player);
        assert!(visibility.reader(&format!("/players/{}/x", ARIA.to_uppercase())).admits(aria));
        assert!(!visibility.reader("/letters/bren").admits(aria));
        assert!(visibility.hides("/shared", aria) && !visibility.hides("/shared/door", aria));
    }

    #[test]
    fn projection_leaves_out_what_is_hidden() {
        let rules = rules(&[("/shared/traps", "gm"), ("/gm/board", "all"), ("/list/1", "gm")]);
        let document = json!({
            "shared": {"door": 1, "traps": {"pit": 2}},
            "gm": {"plan": 3, "board": {"x": 4}},
            "players": {ARIA: {"a": 5}, BREN: {"b": 6}, "stray": 7},
            "list": [8, 9, 10],
            "scene": "ford",
        });
        let seen = |viewer| Visibility(&rules).project("", &document, viewer);
        for (path, shows) in [
            ("/shared", true),
            ("/shared/traps", false),
            ("/gm", true),
            ("/gm/plan", false),
            ("/players", true),
            ("/players/stray", false),
            ("/list", true),
            ("/list/1", false),
        ] {
            let (viewer, value) = (viewer(ARIA, Role::Player), document.pointer(path).expect(path));
            assert_eq!(Visibility(&rules).shows(path, value, viewer), shows, "{path}");
            let projected = Visibility(&rules).project(path, value, viewer);
            assert_eq!(projected.is_some(), shows, "{path}");
        }
        assert_eq!(seen(viewer(BREN, Role::AssistantGm)), Some(document.clone()));
        let expected = json!({
            "shared": {"door": 1},
            "gm": {"board": {"x": 4}},
            "players": {ARIA: {"a": 5}},
            "list": [8, null, 10],
            "scene": "ford",
        });
        assert_eq!(seen(viewer(ARIA, Role::Player)), Some(expected));
        assert_eq!(
            Visibility(&[]).project("/gm", &document["gm"], viewer(ARIA, Role::Player)),
            None
        );
    }
}
