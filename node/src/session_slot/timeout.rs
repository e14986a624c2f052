//! What happens in a fight because nobody did anything in time.

use gss_session::{Characters, service_time_out};
use gss_shared::ids::{ActionId, Version};
use gss_shared::limits::DECISIONS_AHEAD;
use uuid::Builder;

use super::decide::Said;
use super::live::Phase;
use super::{Slot, State, Turn};

impl Slot {
    /// Once a second while the shard is ours: answers a question whose deadline passed, ends the turn
    /// of a player who is not there. Without any client nothing goes on by itself but answers. After
    /// a change of owner the session is loaded for that by [`Slot::tick`], for those who are connected.
    pub fn act_in_time(&mut self, turn: &mut Turn<'_>) {
        let State::Live(live) = &self.state else { return };
        let free = live.in_flight < DECISIONS_AHEAD && !live.is_behind();
        // What came in time is decided before what happens because nothing came.
        let waits = self.solo || !self.waiting.is_empty();
        if turn.stalled || waits || live.phase != Phase::Ready || !free {
            return;
        }
        let Some(session) = &live.session else { return };
        // Most sessions have nothing to come, whoever is there.
        if session.acts_at(|_| true).is_none_or(|at| at > turn.now) {
            return;
        }
        let present = self.clients.presence(turn.at);
        let absent = |player| !present.is_empty() && !present.contains_key(&player);
        let due = session.acts_at(absent).filter(|at| *at <= turn.now);
        if due.is_none() {
            return;
        }
        let version = live.position().version;
        let action = self.time_out_of(version, turn);
        let command = service_time_out(action, !present.is_empty());
        match self.ask_session(&command, &Characters::default(), turn) {
            Said::Accepted(..) => self.used = turn.at,
            Said::Refused(error) => {
                tracing::debug!(session = %self.id, ?error, "nothing was due");
            }
            // It is looked at again with the next tick.
            Said::Duplicate(..) | Said::Later | Said::Characters(_) | Said::Panicked => {}
        }
        self.settle(turn);
    }

    /// The id of what happens at this version because nobody does anything: one that panicked is not
    /// tried again (SAFETY S14).
    fn time_out_of(&mut self, version: Version, turn: &mut Turn<'_>) -> ActionId {
        if let Some((_, action)) = self.time_out.filter(|(of, _)| *of == version) {
            return action;
        }
        let bits = turn.chance.event_seed();
        let action = ActionId(Builder::from_random_bytes(bits.to_be_bytes()).into_uuid());
        self.time_out = Some((version, action));
        action
    }
}
