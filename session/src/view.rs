//! Changes of the document as each viewer may be told of them.
//!
//! Decided once, stored with the event: GMs get the changes as they are, every other group of
//! viewers its view. Applying a viewer's changes to its projection of the document before gives
//! its projection of the document after.

use std::collections::BTreeSet;

use gss_shared::ids::PlayerId;
use gss_shared::limits;
use gss_shared::message::{Audience, Role, Viewer};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::document::Document;
use crate::document::pointer::{Pointer, parent};
use crate::visibility::{Reader, Visibility, player_id};

/// One change of the document.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Change {
    /// Where; an array's actual index.
    pub(crate) path: String,
    /// What is there now; None: nothing.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub(crate) value: Option<Value>,
    /// What was there; None: nothing, or not for this viewer.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub(crate) previous: Option<Value>,
}

/// What a group of viewers is told.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct View {
    /// These players; empty: whom no view before names.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) players: BTreeSet<PlayerId>,
    /// In order.
    pub(crate) changes: Vec<Told>,
}

/// One change in a view.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Told {
    /// The change with this index, as it is.
    Whole(usize),
    /// What may be told of it.
    Part(Change),
}

/// Reads a member that is there, `null` included, as something.
pub(crate) fn present<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(from).map(Some)
}

impl View {
    /// Its changes in full.
    pub(crate) fn resolve<'a>(&'a self, all: &'a [Change]) -> impl Iterator<Item = &'a Change> {
        self.changes.iter().filter_map(|told| match told {
            Told::Whole(index) => all.get(*index),
            Told::Part(change) => Some(change),
        })
    }
}

/// Views of these changes, named players first; None: everybody is told everything.
/// `document` is the one after them. Beyond [`limits::VIEWED_CHANGES`] they are [`untold`].
pub(crate) fn views(
    visibility: Visibility<'_>,
    document: &Document,
    changes: &[Change],
) -> Option<Vec<View>> {
    let plain =
        |path: &str| visibility.reader(path) == Reader::All && !visibility.varies_beneath(path);
    let open = |change: &Change| {
        let above = parent(&change.path).filter(|above| !above.is_empty());
        plain(&change.path) && (change.value.is_some() || above.is_none_or(plain))
    };
    if changes.iter().all(open) {
        return None;
    }
    let tell = |player| {
        let viewer = Viewer { player, role: Role::Spectator };
        let told = |(index, change): (usize, &Change)| {
            tell(visibility, document, change, viewer).map(|told| match told {
                told if told == *change => Told::Whole(index),
                told => Told::Part(told),
            })
        };
        changes.iter().enumerate().filter_map(told).collect::<Vec<Told>>()
    };
    let mut named = BTreeSet::new();
    for change in changes {
        name_players(visibility, document, change, &mut named);
        if named.len() * changes.len() > limits::VIEWED_CHANGES {
            return Some(vec![View { players: BTreeSet::new(), changes: Vec::new() }]);
        }
    }
    let others = tell(PlayerId(Uuid::nil()));
    let mut views: Vec<View> = Vec::new();
    for player in named {
        let told = tell(player);
        if told != others {
            views.push(View { players: [player].into(), changes: told });
        }
    }
    if !others.is_empty() {
        views.push(View { players: BTreeSet::new(), changes: others });
    }
    Some(views)
}

/// Whether all get their projection instead of the changes: others have a view that is empty.
pub(crate) fn untold(views: Option<&[View]>) -> bool {
    let empty = |view: &View| view.players.is_empty() && view.changes.is_empty();
    views.is_some_and(|views| views.iter().any(empty))
}

/// Everybody that is told anything.
pub(crate) fn audience(views: Option<&[View]>) -> Audience {
    let Some(views) = views else { return Audience::All };
    if views.iter().any(|view| view.players.is_empty()) {
        return Audience::All;
    }
    let players = views.iter().flat_map(|view| view.players.iter().copied()).collect();
    Audience::Some { gms: true, players }
}

fn tell(
    visibility: Visibility<'_>,
    document: &Document,
    change: &Change,
    viewer: Viewer,
) -> Option<Change> {
    let path = &change.path;
    let seen = |value: &Option<Value>| {
        value.as_ref().and_then(|value| visibility.project(path, value, viewer))
    };
    if visibility.reader(path).admits(viewer) && !visibility.varies_beneath(path) {
        let removed = change.value.is_none();
        return if removed {
            removal(visibility, document, change.clone(), viewer)
        } else {
            Some(change.clone())
        };
    }
    match (seen(&change.value), seen(&change.previous)) {
        (None, None) => None,
        (None, previous) => {
            let told = Change { path: path.clone(), value: None, previous };
            removal(visibility, document, told, viewer)
        }
        (value, previous) => Some(Change { path: path.clone(), value, previous }),
    }
}

/// A removal, told where it ends for this viewer: with its last member that the viewer may see, a
/// parent goes out of sight.
fn removal(
    visibility: Visibility<'_>,
    document: &Document,
    mut told: Change,
    viewer: Viewer,
) -> Option<Change> {
    while let Some(above) = parent(&told.path).filter(|above| !above.is_empty()) {
        if visibility.reader(above).admits(viewer) && !visibility.varies_beneath(above) {
            break;
        }
        let tokens = Pointer::read(above).ok()?;
        let value = document.get(tokens.tokens());
        if value.is_some_and(|value| visibility.shows(above, value, viewer)) {
            break;
        }
        told = Change { path: above.to_owned(), value: None, previous: None };
    }
    Some(told)
}

/// Players that may be told something else than others.
fn name_players(
    visibility: Visibility<'_>,
    document: &Document,
    change: &Change,
    named: &mut BTreeSet<PlayerId>,
) {
    if let Reader::Player(player) = visibility.reader(&change.path) {
        named.insert(player);
    }
    named.extend(visibility.named_beneath(&change.path));
    if change.value.is_some() && !visibility.varies_beneath(&change.path) {
        return;
    }
    // A removal may be told as one of a parent, in which others see something still.
    let Ok(path) = Pointer::read(&change.path) else { return };
    let Some(top) = path.tokens().get(..1) else { return };
    let above = Pointer::of(top.to_vec());
    named.extend(visibility.named_beneath(above.as_str()));
    if above.as_str() == "/players" {
        let values = [document.get(top), change.value.as_ref(), change.previous.as_ref()];
        let keys = values.into_iter().flatten().filter_map(Value::as_object);
        named.extend(keys.flat_map(|members| members.keys().filter_map(|key| player_id(key))));
    }
}
