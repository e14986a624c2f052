//! Members of a frame's `data`, taken out one by one with their checks.
//!
//! A member of the wrong JSON type is `invalid_frame`, a value that cannot be `invalid_argument`.

use std::collections::BTreeSet;

use gss_shared::ids::{PlayerId, Version};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::Parse;
use crate::event::{Group, To};
use crate::visibility::player_id;
use crate::{refusal, text};

/// Players that one message can name.
const NAMED: usize = 100;

pub(super) struct Fields(pub(super) Map<String, Value>);

impl Fields {
    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name)
    }

    pub(super) fn string(&mut self, name: &str) -> Parse<Option<String>> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(refusal::shape(name, "is a string")),
        }
    }

    pub(super) fn text(&mut self, name: &str, least: usize, most: usize) -> Parse<String> {
        let text = self.string(name)?.ok_or_else(|| refusal::shape(name, "must be given"))?;
        text::check(name, &text, least, most)?;
        Ok(text)
    }

    pub(super) fn reason(&mut self) -> Parse<Option<String>> {
        let reason = self.string("reason")?;
        text::reason(reason.as_deref())?;
        Ok(reason)
    }

    pub(super) fn boolean(&mut self, name: &str) -> Parse<Option<bool>> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Bool(value)) => Ok(Some(value)),
            Some(_) => Err(refusal::shape(name, "is true or false")),
        }
    }

    pub(super) fn uuid(&mut self, name: &str) -> Parse<Option<Uuid>> {
        let Some(text) = self.string(name)? else { return Ok(None) };
        player_id(&text).map(|id| Some(id.0)).ok_or_else(|| refusal::argument(name, "is no UUID"))
    }

    pub(super) fn version(&mut self, name: &str) -> Parse<Version> {
        let text = self.string(name)?.ok_or_else(|| refusal::shape(name, "must be given"))?;
        let plain = text.bytes().all(|byte| byte.is_ascii_digit());
        let plain = plain && (text == "0" || !text.starts_with('0')) && text.len() <= 19;
        let version = text.parse().ok().filter(|_| plain).map(Version);
        version.ok_or_else(|| refusal::argument(name, "is no version"))
    }

    /// The audience member `to`.
    pub(super) fn to(&mut self) -> Parse<Option<To>> {
        match self.take("to") {
            None => Ok(None),
            Some(Value::String(group)) => match group.as_str() {
                "all" => Ok(Some(To::Group(Group::All))),
                "gm" => Ok(Some(To::Group(Group::Gm))),
                _ => Err(refusal::argument("to", "is all, gm or a list of players")),
            },
            Some(Value::Array(ids)) => players(&ids).map(|ids| Some(To::Players(ids))),
            Some(_) => Err(refusal::shape("to", "is all, gm or a list of players")),
        }
    }
}

fn players(ids: &[Value]) -> Parse<Vec<PlayerId>> {
    if !(1..=NAMED).contains(&ids.len()) {
        let fact = format!("names 1 to {NAMED} players");
        return Err(refusal::argument("to", &fact).with("limit", NAMED));
    }
    let mut seen = BTreeSet::new();
    let mut players = Vec::with_capacity(ids.len());
    for id in ids {
        let text = id.as_str().ok_or_else(|| refusal::shape("to", "lists ids of players"))?;
        let player = player_id(text).ok_or_else(|| refusal::argument("to", "is no UUID"))?;
        if !seen.insert(player) {
            return Err(refusal::argument("to", "names a player twice"));
        }
        players.push(player);
    }
    Ok(players)
}
