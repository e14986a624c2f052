//! A message of a fight, as it is stored: what it changes, and what each kind of viewer is told.

use std::collections::BTreeSet;

use gss_shared::ids::PlayerId;
use gss_shared::message::Audience;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::apart::Apart;
use crate::fight::FightChange;
use crate::fight::narrate::Name;

/// A message of a fight.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct CombatEvent {
    /// Its type.
    pub(crate) name: Name,
    /// On the first message of what happened.
    pub(crate) change: Option<FightChange>,
    pub(crate) told: Told,
}

/// The body of a [`CombatEvent`].
#[derive(Deserialize)]
pub(super) struct Body {
    #[serde(default)]
    change: Option<FightChange>,
    #[serde(default)]
    all: Map<String, Value>,
    #[serde(default)]
    gms: Option<Map<String, Value>>,
    #[serde(default)]
    players: Vec<StoredNamed>,
    #[serde(default)]
    others: Option<Map<String, Value>>,
}

/// A [`Body`] to be written.
#[derive(Serialize)]
pub(super) struct BodyOf<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    change: Option<&'a FightChange>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    all: &'a Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gms: Option<&'a Map<String, Value>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    players: Vec<StoredNamed>,
    #[serde(skip_serializing_if = "Option::is_none")]
    others: Option<&'a Map<String, Value>>,
}

/// [`Named`] as it is stored. A fight may have a hundred owners, and each of them is told almost what
/// others are.
#[derive(Serialize, Deserialize)]
struct StoredNamed {
    players: BTreeSet<PlayerId>,
    /// All that they are told, where others are told nothing. Once it was stored always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    data: Option<Map<String, Value>>,
    /// How that is other than what others are told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    apart: Option<Apart>,
}

impl Body {
    pub(super) fn named(self, name: Name) -> CombatEvent {
        let Self { change, all, gms, players, others } = self;
        let none = Map::new();
        let base = others.as_ref().unwrap_or(&none);
        let players = players.into_iter().map(|StoredNamed { players, data, apart }| Named {
            players,
            data: data.unwrap_or_else(|| apart.unwrap_or_default().onto(base)),
        });
        let players = players.collect();
        CombatEvent { name, change, told: Told { all, gms, players, others } }
    }
}

impl<'a> From<&'a CombatEvent> for BodyOf<'a> {
    fn from(event: &'a CombatEvent) -> Self {
        let Told { all, gms, players, others } = &event.told;
        let players = players.iter().map(|Named { players, data }| {
            let players = players.clone();
            match others {
                Some(others) => {
                    StoredNamed { players, data: None, apart: Some(Apart::of(data, others)) }
                }
                None => StoredNamed { players, data: Some(data.clone()), apart: None },
            }
        });
        let players = players.collect();
        let (gms, others) = (gms.as_ref(), others.as_ref());
        Self { change: event.change.as_ref(), all, gms, players, others }
    }
}

/// What each kind of viewer is told; None: nothing.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Told {
    /// Members that are the same for all who are told.
    all: Map<String, Value>,
    gms: Option<Map<String, Value>>,
    players: Vec<Named>,
    others: Option<Map<String, Value>>,
}

/// What these players are told.
#[derive(Clone, PartialEq, Debug)]
struct Named {
    players: BTreeSet<PlayerId>,
    data: Map<String, Value>,
}

impl Told {
    /// What is the same for players as for others is said once.
    pub(crate) fn new(
        gms: Option<Map<String, Value>>,
        owners: Vec<(PlayerId, Option<Map<String, Value>>)>,
        others: Option<Map<String, Value>>,
    ) -> Self {
        let mut players: Vec<Named> = Vec::new();
        for (player, data) in owners {
            let Some(data) = data.filter(|data| Some(data) != others.as_ref()) else { continue };
            match players.iter_mut().find(|named| named.data == data) {
                Some(named) => {
                    named.players.insert(player);
                }
                None => players.push(Named { players: [player].into(), data }),
            }
        }
        let mut told = Self { all: Map::new(), gms, players, others };
        told.share();
        told
    }

    fn each(&mut self) -> impl Iterator<Item = &mut Map<String, Value>> {
        let players = self.players.iter_mut().map(|named| &mut named.data);
        self.gms.iter_mut().chain(players).chain(&mut self.others)
    }

    fn share(&mut self) {
        let Some(first) = self.each().next().cloned() else { return };
        for (name, value) in first {
            if self.each().all(|data| data.get(&name) == Some(&value)) {
                self.each().for_each(|data| {
                    data.remove(&name);
                });
                self.all.insert(name, value);
            }
        }
    }

    /// Everybody that is told anything.
    pub(crate) fn audience(&self) -> Audience {
        if self.others.is_some() {
            return Audience::All;
        }
        let players = self.players.iter().flat_map(|named| named.players.iter().copied()).collect();
        Audience::Some { gms: self.gms.is_some(), players }
    }

    /// The versions, the most privileged first.
    pub(crate) fn versions(&self) -> impl Iterator<Item = (Audience, Map<String, Value>)> {
        let gms = self.gms.iter().map(|data| (Audience::gms(), data));
        let players = self.players.iter().map(|named| {
            (Audience::Some { gms: false, players: named.players.clone() }, &named.data)
        });
        let others = self.others.iter().map(|data| (Audience::All, data));
        gms.chain(players).chain(others).map(|(audience, data)| {
            let mut whole = self.all.clone();
            whole.extend(data.clone());
            (audience, whole)
        })
    }

    /// A member that everybody is told alike.
    pub(crate) fn common(&self, name: &str) -> Option<&Value> {
        self.all.get(name)
    }
}
