//! Refusals, remembered for a while: a command that is sent again hears the same.
//!
//! In memory only: the next owner decides anew (SAFETY S8). What was not answered is forgotten when it
//! is taken back: a refusal by a state that was never committed is no refusal.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use gss_session::Command;
use gss_shared::error_code::{ClientError, ErrorCode};
use gss_shared::ids::{ActionId, PlayerId};

use crate::limits::REFUSALS;

/// What makes two commands the same.
type Key = (ActionId, Option<PlayerId>, [u8; 16]);

fn key(command: &Command) -> Key {
    (command.action, command.actor, command.body_hash)
}

/// One command, and why it has no effect.
#[derive(Debug)]
pub(super) struct Refusal {
    of: Key,
    error: ClientError,
}

impl Refusal {
    /// None: it may be decided anew at any time.
    pub(super) fn new(command: &Command, error: &ClientError) -> Option<Arc<Self>> {
        let passing = matches!(error.code, ErrorCode::Unavailable | ErrorCode::ServiceFailed)
            || command.action.0.is_nil();
        (!passing).then(|| Arc::new(Self { of: key(command), error: error.clone() }))
    }
}

/// The refusals of a session: the last ones that were answered, and all whose answers wait. Sent again
/// meanwhile, a command must not hear both a refusal and an acknowledgement.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    answered: VecDeque<Arc<Refusal>>,
    /// And how many answers say so.
    waiting: BTreeMap<Key, (Arc<Refusal>, usize)>,
}

impl Refusals {
    /// Its answer waits for a commit.
    pub(super) fn wait(&mut self, refusal: &Arc<Refusal>) {
        let waiting = self.waiting.entry(refusal.of);
        waiting.or_insert_with(|| (Arc::clone(refusal), 0)).1 += 1;
    }

    /// One that waited was answered.
    pub(super) fn answer(&mut self, refusal: Arc<Refusal>) {
        if let Some((_, answers)) = self.waiting.get_mut(&refusal.of) {
            *answers -= 1;
            if *answers == 0 {
                self.waiting.remove(&refusal.of);
            }
        }
        if self.answered.iter().any(|known| known.of == refusal.of) {
            return;
        }
        self.answered.push_back(refusal);
        if self.answered.len() > REFUSALS {
            self.answered.pop_front();
        }
    }

    /// None that waits is ever answered.
    pub(super) fn withdraw(&mut self) {
        self.waiting.clear();
    }

    pub(super) fn find(&self, command: &Command) -> Option<&ClientError> {
        let of = key(command);
        let answered = || self.answered.iter().find(|refusal| refusal.of == of);
        let waiting = self.waiting.get(&of).map(|(refusal, _)| refusal);
        waiting.or_else(answered).map(|refusal| &refusal.error)
    }
}
