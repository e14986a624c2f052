//! The last committed messages of a session, kept while a client is attached, so that resumes and
//! gap fetches need no query.
//!
//! Invariant: consecutive messages up to the committed position, at most [`RECENT_BYTES`].

use std::collections::VecDeque;

use gss_shared::ids::Position;
use gss_shared::limits::RECENT_BYTES;
use gss_shared::message::Message;

/// What a message costs beside its variants.
const OVERHEAD_BYTES: usize = 200;

/// The tail.
#[derive(Debug, Default)]
pub struct Recent {
    messages: VecDeque<Message>,
    bytes: usize,
}

impl Recent {
    /// Adds committed messages that follow the last one; starts anew when they do not.
    pub fn extend(&mut self, messages: &[Message]) {
        let follows = match (self.messages.back(), messages.first()) {
            (Some(last), Some(first)) => last.position == first.after,
            (None, _) | (_, None) => true,
        };
        if !follows {
            self.clear();
        }
        for message in messages {
            self.bytes += message.size() + OVERHEAD_BYTES;
            self.messages.push_back(message.clone());
        }
        while self.bytes > RECENT_BYTES {
            let Some(oldest) = self.messages.pop_front() else { break };
            self.bytes -= oldest.size() + OVERHEAD_BYTES;
        }
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Messages after a position up to a version, if the tail reaches back to it.
    pub fn since(&self, from: Position, to: Position) -> Option<Vec<Message>> {
        let start = self.messages.iter().position(|message| message.after == from)?;
        let missed = self.messages.iter().skip(start);
        let missed: Vec<_> =
            missed.take_while(|message| message.version() <= to.version).cloned().collect();
        (missed.last().map(|message| message.position) == Some(to)).then_some(missed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gss_shared::ids::{EventId, Version};
    use gss_shared::message::{Audience, Variant};
    use gss_shared::time::Timestamp;

    fn at(version: u64) -> Position {
        Position {
            version: Version(version),
            event: EventId(uuid::Uuid::from_u128(version.into())),
        }
    }

    fn message(version: u64, bytes: usize) -> Message {
        let variant = Variant { audience: Audience::All, head: "x".repeat(bytes) };
        let (position, after) = (at(version), at(version - 1));
        Message { position, after, at: Timestamp(0), variants: vec![variant], effects: vec![] }
    }

    #[test]
    fn gives_what_follows_a_position_or_nothing() {
        let mut recent = Recent::default();
        recent.extend(&[message(4, 1), message(5, 1), message(6, 1)]);
        let versions = |from: u64, to: u64| {
            let found = recent.since(at(from), at(to));
            found.map(|found| found.iter().map(|m| m.version().0).collect::<Vec<_>>())
        };
        assert_eq!(versions(3, 6), Some(vec![4, 5, 6]));
        assert_eq!(versions(4, 5), Some(vec![5]));
        assert_eq!(versions(2, 6), None);
        let other = Position { event: EventId(uuid::Uuid::from_u128(99)), ..at(4) };
        assert_eq!(recent.since(other, at(6)), None);
    }

    #[test]
    fn forgets_the_oldest_over_the_bound_and_everything_at_a_gap() {
        let mut recent = Recent::default();
        recent.extend(&[message(1, RECENT_BYTES / 2), message(2, RECENT_BYTES / 2)]);
        assert_eq!(recent.since(at(0), at(2)), None);
        assert!(recent.since(at(1), at(2)).is_some());
        recent.extend(&[message(9, 1)]);
        assert_eq!(recent.since(at(1), at(2)), None);
        assert!(recent.since(at(8), at(9)).is_some());
    }
}
