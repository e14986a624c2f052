//! Refusals, remembered for a while: a command that is sent again hears the same.
//!
//! In memory only: the next owner decides anew (SAFETY S8). Only what was answered is here: a refusal
//! by a state that was never committed is no refusal.

use std::collections::VecDeque;

use gss_session::Command;
use gss_shared::error_code::{ClientError, ErrorCode};
use gss_shared::ids::{ActionId, PlayerId};

use crate::limits::REFUSALS;

/// One command, and why it has no effect.
#[derive(Debug)]
pub(super) struct Refusal {
    action: ActionId,
    actor: Option<PlayerId>,
    body_hash: [u8; 16],
    error: ClientError,
}

impl Refusal {
    /// None: it may be decided anew at any time.
    pub(super) fn new(command: &Command, error: &ClientError) -> Option<Box<Self>> {
        let Command { action, actor, body_hash, .. } = *command;
        let passing = matches!(error.code, ErrorCode::Unavailable | ErrorCode::ServiceFailed)
            || action.0.is_nil();
        (!passing).then(|| Box::new(Self { action, actor, body_hash, error: error.clone() }))
    }

    /// Why, if it is of this command.
    pub(super) fn of(&self, command: &Command) -> Option<&ClientError> {
        let key = (command.action, command.actor, command.body_hash);
        (self.key() == key).then_some(&self.error)
    }

    fn key(&self) -> (ActionId, Option<PlayerId>, [u8; 16]) {
        (self.action, self.actor, self.body_hash)
    }
}

/// The last refusals of a session.
#[derive(Debug, Default)]
pub(super) struct Refusals(VecDeque<Box<Refusal>>);

impl Refusals {
    pub(super) fn add(&mut self, refusal: Box<Refusal>) {
        if self.0.iter().any(|known| known.key() == refusal.key()) {
            return;
        }
        self.0.push_back(refusal);
        if self.0.len() > REFUSALS {
            self.0.pop_front();
        }
    }

    pub(super) fn find(&self, command: &Command) -> Option<&ClientError> {
        self.0.iter().find_map(|refusal| refusal.of(command))
    }
}
