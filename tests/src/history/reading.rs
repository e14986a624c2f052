//! A journal as the checkers of what viewers saw read it: once for all histories of its table.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;

use gss_session::Session;
use gss_shared::ids::{PlayerId, Position, SessionId, Version};
use gss_shared::message::{Message, Viewer, close_frame};
use gss_shared::ports::journal::JournalEvent;
use serde_json::Value;

use super::along::Along;
use super::hidden::Hidden;

/// What a journal says, each part made when it is first asked for.
pub struct Reading<'a> {
    journal: &'a [JournalEvent],
    along: Along,
    hidden: OnceCell<Hidden>,
    messages: OnceCell<Vec<Told>>,
    /// The fold of the journal up to these versions.
    states: RefCell<BTreeMap<Version, Option<Session>>>,
}

/// A message, and its frames for those who are told differently, without `prev`.
struct Told {
    message: Message,
    frames: Vec<OnceCell<Value>>,
}

impl<'a> Reading<'a> {
    /// Of one session's whole journal.
    pub fn of(journal: &'a [JournalEvent]) -> Self {
        Self {
            journal,
            along: Along::of(journal),
            hidden: OnceCell::new(),
            messages: OnceCell::new(),
            states: RefCell::default(),
        }
    }

    pub(super) fn along(&self) -> &Along {
        &self.along
    }

    pub(super) fn hidden(&self) -> &Hidden {
        self.hidden.get_or_init(|| Hidden::of(self.journal))
    }

    /// What a player has to be told, in its role at each event: version and frame (without `prev`),
    /// in order.
    ///
    /// # Panics
    /// When the journal holds an event that this build cannot read.
    pub fn visible(&self, player: PlayerId) -> Vec<(Version, &Value)> {
        let told = self.messages().iter().filter_map(|Told { message, frames }| {
            let version = message.version();
            let role = self.along.role_at(player, version)?;
            let (variant, head) = message.head_for(Viewer { player, role })?;
            Some((version, frames.get(variant)?.get_or_init(|| frame(head))))
        });
        told.collect()
    }

    fn messages(&self) -> &[Told] {
        self.messages.get_or_init(|| {
            let mut after = Position::START;
            let told = self.journal.iter().map(|event| {
                let message = gss_session::message(event, after).expect("a readable event");
                after = message.position;
                let frames = message.variants.iter().map(|_| OnceCell::new()).collect();
                Told { message, frames }
            });
            told.collect()
        })
    }

    /// Looks at the session as it was at a version.
    ///
    /// # Panics
    /// When the journal cannot be folded.
    pub(super) fn at<R>(
        &self,
        session: SessionId,
        version: Version,
        look: impl FnOnce(Option<&Session>) -> R,
    ) -> R {
        let mut states = self.states.borrow_mut();
        if !states.contains_key(&version) {
            let before = states.range(..version).next_back();
            let state = self.fold(session, before.and_then(|(_, state)| state.clone()), version);
            states.insert(version, state);
        }
        look(states.get(&version).and_then(Option::as_ref))
    }

    fn fold(&self, session: SessionId, from: Option<Session>, to: Version) -> Option<Session> {
        let upto = self.journal.partition_point(|event| event.version <= to);
        let Some(mut state) = from else {
            let events = self.journal.get(..upto).unwrap_or_default();
            return Session::replay(session, None, events).expect("a journal that folds");
        };
        let since = state.position().version;
        for event in self.journal.iter().take(upto).filter(|event| event.version > since) {
            state.apply(event).expect("a journal that folds");
        }
        Some(state)
    }
}

fn frame(head: &str) -> Value {
    let frame = close_frame(head, Version::ZERO);
    let mut frame: Value = serde_json::from_str(&frame).expect("a frame is JSON");
    without_prev(&mut frame);
    frame
}

/// Takes `prev` out of a frame.
pub(super) fn without_prev(frame: &mut Value) {
    if let Some(data) = frame["data"].as_object_mut() {
        data.remove("prev");
    }
}
