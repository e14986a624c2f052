//! Reads: the state as a viewer may see it.

use std::collections::BTreeMap;

use gss_shared::error_code::{ClientError, ErrorCode};
use gss_shared::ids::PlayerId;
use gss_shared::limits;
use gss_shared::link::frame::ReadKind;
use gss_shared::message::Viewer;
use gss_shared::time::Timestamp;
use serde_json::{Map, Value, json};

use crate::decide;
use crate::document::Pointer;
use crate::document::pointer::child;
use crate::fight::show::Eye;
use crate::member::{Banned, Member};
use crate::permission::Permission;
use crate::presence::Presence;
use crate::refusal;
use crate::settings::Show;
use crate::state::{Session, Status};

/// Items of a page at most.
const PAGE: u32 = 100;

impl Session {
    /// Whether the player may read this; as whom.
    ///
    /// # Errors
    /// `session_not_found`, `banned` or `forbidden`.
    pub fn admit_reader(&self, kind: &ReadKind, player: PlayerId) -> Result<Viewer, ClientError> {
        if self.is_deleted() {
            return Err(refusal::no_session());
        }
        let viewer = decide::member(self, player)?;
        match kind {
            ReadKind::SavedStates { .. } | ReadKind::Invite => {
                Permission::Direct.demand(viewer.role)?;
            }
            ReadKind::Sync { .. }
            | ReadKind::Session
            | ReadKind::State
            | ReadKind::Players { .. }
            | ReadKind::Player(_)
            | ReadKind::Events { .. }
            | ReadKind::Admission
            | ReadKind::Saved
            | ReadKind::Limits => {}
        }
        Ok(viewer)
    }

    /// Reads the state as JSON. `Events` and `SavedStates` are in the journal, not here: ask
    /// [`Session::admit_reader`] and read them there.
    ///
    /// # Errors
    /// As [`Session::admit_reader`]; `not_found`, `invalid_argument`; `internal` for a read of the
    /// journal.
    pub fn read(
        &self,
        kind: &ReadKind,
        player: PlayerId,
        presence: &Presence,
    ) -> Result<String, ClientError> {
        if matches!(kind, ReadKind::Limits) && !self.is_deleted() {
            return Ok(json!(self.settings.limits).to_string());
        }
        let viewer = self.admit_reader(kind, player)?;
        let answer = match kind {
            ReadKind::Sync { paths } => self.sync(paths, viewer)?,
            ReadKind::Session => self.describe(Some(viewer.role), show(viewer)),
            ReadKind::State => self.load(viewer),
            ReadKind::Players { limit, cursor } => {
                self.list_players(*limit, cursor.as_deref(), viewer, presence)?
            }
            ReadKind::Player(asked) => self.one_player(*asked, viewer, presence)?,
            ReadKind::Admission => {
                let member = self.member(player).ok_or_else(refusal::internal)?;
                json!({
                    "generation": member.generation,
                    "role": member.role,
                    "state": self.projection(viewer),
                })
            }
            ReadKind::Invite => self.newest_invite(player)?,
            ReadKind::Saved => {
                let saved = self.saved.as_ref().ok_or_else(|| missing("There is no save."))?;
                json!({"version": saved.version.to_string(), "timestamp": saved.at})
            }
            ReadKind::Events { .. } | ReadKind::SavedStates { .. } | ReadKind::Limits => {
                return Err(refusal::internal());
            }
        };
        Ok(answer.to_string())
    }

    /// The document as the viewer sees it.
    fn projection(&self, viewer: Viewer) -> Value {
        let seen = self.settings.visibility().project("", self.document.root(), viewer);
        let mut seen = seen.unwrap_or_else(|| json!({}));
        if let Some(combat) = self.combat(viewer) {
            seen["combat"] = combat;
        }
        seen
    }

    /// `/combat` as the viewer sees it.
    fn combat(&self, viewer: Viewer) -> Option<Value> {
        let fight = self.fight.as_deref()?;
        Some(fight.scene(self.status == Status::Paused).document(Eye::of(viewer)))
    }

    /// Fields of the hash that other services read: `round`, `turn`, and `initiative_order` and
    /// `active_effects` as JSON. Of combatants that are hidden nothing is said. Empty: no fight.
    pub fn combat_fields(&self) -> BTreeMap<String, String> {
        let Some(fight) = self.fight.as_deref() else { return BTreeMap::new() };
        let shown = fight.scene(self.status == Status::Paused).document(Eye::Other);
        [
            ("round", shown["round"].to_string()),
            ("turn", shown["turn_number"].to_string()),
            ("initiative_order", shown["order"].to_string()),
            ("active_effects", shown["effects"].to_string()),
        ]
        .map(|(name, text)| (name.to_owned(), text))
        .into()
    }

    fn sync(&self, paths: &[String], viewer: Viewer) -> Result<Value, ClientError> {
        let mut pointers = Vec::with_capacity(paths.len());
        for path in paths {
            let pointer = Pointer::parse(path);
            pointers.push(pointer.map_err(|_| refusal::path(path, "is no JSON Pointer"))?);
        }
        let whole = pointers.is_empty() || pointers.iter().any(|path| path.tokens().is_empty());
        let state = if whole {
            self.projection(viewer)
        } else {
            let mut state = json!({});
            let combat = pointers.iter().any(|path| is_combat(path.tokens()));
            let combat = combat.then(|| self.combat(viewer)).flatten();
            for tokens in self.separate(&pointers, combat.as_ref())? {
                if is_combat(tokens) {
                    let value = combat.as_ref().and_then(|value| find(value, &tokens[1..]));
                    value.into_iter().for_each(|value| put(tokens, value.clone(), &mut state));
                } else {
                    self.copy(tokens, viewer, &mut state);
                }
            }
            state
        };
        Ok(json!({
            "state": state,
            "version": self.position.version.to_string(),
            "position": self.position.to_string(),
        }))
    }

    /// The paths without those that lie within another; an array on the way comes whole.
    ///
    /// # Errors
    /// `invalid_argument` with `details.limit`.
    fn separate<'a>(
        &self,
        pointers: &'a [Pointer],
        combat: Option<&Value>,
    ) -> Result<Vec<&'a [String]>, ClientError> {
        let cut = |pointer: &'a Pointer| {
            let tokens = pointer.tokens();
            let is_array = |length: &usize| {
                let value = if is_combat(tokens) {
                    combat.and_then(|combat| find(combat, &tokens[1..*length]))
                } else {
                    self.document.get(&tokens[..*length])
                };
                value.is_some_and(Value::is_array)
            };
            let whole_from = (1..tokens.len()).find(is_array);
            &tokens[..whole_from.unwrap_or(tokens.len())]
        };
        let mut separate: Vec<&[String]> = pointers.iter().map(cut).collect();
        // In this order what lies within a path follows it at once.
        separate.sort_unstable();
        separate.dedup_by(|tokens, kept| tokens.starts_with(kept));
        if separate.len() > limits::SYNC_PATHS {
            let fact = format!("names at most {} members", limits::SYNC_PATHS);
            return Err(refusal::argument("paths", &fact).with("limit", limits::SYNC_PATHS));
        }
        Ok(separate)
    }

    /// Copies what the viewer sees there to its place.
    fn copy(&self, tokens: &[String], viewer: Viewer, into: &mut Value) {
        let path = tokens.iter().fold(String::new(), |path, token| child(&path, token));
        let value = self.document.get(tokens);
        let visibility = self.settings.visibility();
        let Some(seen) = value.and_then(|value| visibility.project(&path, value, viewer)) else {
            return;
        };
        put(tokens, seen, into);
    }

    fn load(&self, viewer: Viewer) -> Value {
        let saved = self.saved.as_ref().filter(|_| viewer.role.is_gm());
        let metadata = saved.and_then(|saved| saved.metadata.as_deref());
        let metadata = metadata.and_then(|text| serde_json::from_str(text).ok());
        json!({
            "state": self.projection(viewer),
            "metadata": metadata.unwrap_or_else(|| json!({})),
            "version": self.position.version.to_string(),
            "timestamp": self.last_at,
        })
    }

    fn list_players(
        &self,
        limit: u32,
        cursor: Option<&str>,
        viewer: Viewer,
        presence: &Presence,
    ) -> Result<Value, ClientError> {
        if !(1..=PAGE).contains(&limit) {
            return Err(refusal::argument("limit", "is 1 to 100"));
        }
        let after: Option<PlayerId> = match cursor {
            None => None,
            Some(text) => {
                Some(text.parse().map_err(|_| refusal::argument("cursor", "is unknown"))?)
            }
        };
        let banned = self.banned.iter().filter(|_| viewer.role.is_gm());
        let mut all: Vec<(PlayerId, Value)> = self
            .members
            .iter()
            .map(|member| (member.player, shown_member(member, viewer, presence)))
            .chain(banned.map(|banned| (banned.player, shown_banned(banned))))
            .filter(|(player, _)| after.is_none_or(|after| *player > after))
            .collect();
        all.sort_by_key(|(player, _)| *player);
        let limit = limit as usize;
        let more = all.len() > limit;
        all.truncate(limit);
        let next = all.last().filter(|_| more).map(|(player, _)| player.to_string());
        let items: Vec<Value> = all.into_iter().map(|(_, item)| item).collect();
        Ok(json!({"items": items, "next_cursor": next}))
    }

    fn one_player(
        &self,
        asked: PlayerId,
        viewer: Viewer,
        presence: &Presence,
    ) -> Result<Value, ClientError> {
        if let Some(member) = self.member(asked) {
            return Ok(shown_member(member, viewer, presence));
        }
        let mut banned = self.banned.iter().filter(|_| viewer.role.is_gm());
        let banned = banned.find(|banned| banned.player == asked);
        banned.map(shown_banned).ok_or_else(|| missing("There is no such member."))
    }

    fn newest_invite(&self, by: PlayerId) -> Result<Value, ClientError> {
        let invite = self.invites.iter().rev().find(|invite| invite.by == by);
        let invite = invite.ok_or_else(|| missing("There is no invite."))?;
        Ok(json!({
            "invite_code": invite.code,
            "role": invite.role,
            "uses_left": invite.uses_left,
            "expires_at": invite.expires_at,
        }))
    }
}

fn is_combat(tokens: &[String]) -> bool {
    tokens.first().is_some_and(|first| first == "combat")
}

fn find<'a>(value: &'a Value, tokens: &[String]) -> Option<&'a Value> {
    tokens.iter().try_fold(value, |value, token| value.get(token))
}

/// Puts a value in its place, making the objects on the way.
fn put(tokens: &[String], value: Value, into: &mut Value) {
    let Some((last, parents)) = tokens.split_last() else { return };
    let mut place = into;
    for token in parents {
        let Value::Object(members) = place else { return };
        place = members.entry(token.clone()).or_insert_with(|| Value::Object(Map::new()));
    }
    if let Value::Object(members) = place {
        members.insert(last.clone(), value);
    }
}

fn show(viewer: Viewer) -> Show {
    if viewer.role.is_gm() { Show::Gms } else { Show::Others }
}

fn missing(fact: &str) -> ClientError {
    ClientError::new(ErrorCode::NotFound, fact)
}

fn shown_member(member: &Member, viewer: Viewer, presence: &Presence) -> Value {
    let (status, connections) = presence.get(&member.player).copied().unwrap_or_default();
    let mut shown = json!({
        "player_id": member.player,
        "role": member.role,
        "characters": member.characters,
        "status": status,
        "connections": connections,
        "joined_at": member.joined_at,
    });
    if viewer.role.is_gm() {
        shown["banned"] = json!(false);
    }
    shown
}

fn shown_banned(banned: &Banned) -> Value {
    let at: Timestamp = banned.at;
    json!({
        "player_id": banned.player,
        "role": banned.role,
        "characters": [],
        "banned": true,
        "status": "offline",
        "connections": 0,
        "joined_at": at,
    })
}
