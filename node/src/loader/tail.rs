//! Committed messages after a position, made from the journal as they were told live.

use gss_session::message;
use gss_shared::ids::{EventId, Position, SessionId, Version};
use gss_shared::limits::{RESUME_BYTES, RESUME_EVENTS};
use gss_shared::link::frame::FetchOutcome;
use gss_shared::message::Message;
use gss_shared::ports::journal::{JournalError, JournalEvent};

use super::Loader;
use crate::limits::{FETCH_EVENTS, PAGE_EVENTS};
use crate::work::Missed;

/// What follows a position.
#[derive(Debug)]
pub enum Tail {
    /// Consecutive messages; `more`: a bound was reached.
    Messages {
        /// Oldest first.
        messages: Vec<Message>,
        /// There are more.
        more: bool,
    },
    /// The position is not in this history.
    Gone,
}

/// How far to read.
#[derive(Clone, Copy, Debug)]
struct Bound {
    to: Option<Version>,
    events: usize,
}

impl Loader {
    /// What a resuming connection missed between two positions.
    pub async fn missed(&self, session: SessionId, from: Position, to: Position) -> Missed {
        let _place = self.reads.acquire().await;
        if to.version.0.saturating_sub(from.version.0) > RESUME_EVENTS as u64 {
            return Missed::Gone;
        }
        let bound = Bound { to: Some(to.version), events: RESUME_EVENTS };
        match self.tail(session, from, bound).await {
            Ok(Tail::Messages { messages, more: false }) => {
                let last = messages.last().map_or(from, |message| message.position);
                if last == to { Missed::Messages(messages) } else { Missed::Gone }
            }
            Ok(Tail::Messages { more: true, .. } | Tail::Gone) => Missed::Gone,
            Err(error) => {
                tracing::warn!(%session, %error, "missed messages cannot be read");
                Missed::Unavailable
            }
        }
    }

    /// The answer to a fetch.
    pub async fn fetch(&self, session: SessionId, after: Position) -> FetchOutcome {
        let _place = self.reads.acquire().await;
        let bound = Bound { to: None, events: FETCH_EVENTS };
        let outcome = match self.tail(session, after, bound).await {
            Ok(Tail::Messages { messages, more }) => Ok(FetchOutcome::Tail { messages, more }),
            Ok(Tail::Gone) => self.head(session).await.map(|head| FetchOutcome::Gone { head }),
            Err(error) => Err(error),
        };
        outcome.unwrap_or_else(|error| {
            tracing::warn!(%session, %error, "messages cannot be fetched");
            FetchOutcome::Unavailable
        })
    }

    async fn head(&self, session: SessionId) -> Result<Position, JournalError> {
        let shard = self.shards.shard_of(session);
        let heads = self.journal.heads(shard, &[session]).await?;
        Ok(heads.first().map_or(Position::START, |(_, head)| *head))
    }

    async fn tail(
        &self,
        session: SessionId,
        from: Position,
        bound: Bound,
    ) -> Result<Tail, JournalError> {
        if from.version > Version::ZERO {
            let before = Version(from.version.0 - 1);
            let found = self.journal.events(session, before, 1).await?;
            let there = found.first().map(|event| (event.version, event.id));
            if there != Some((from.version, from.event)) {
                return Ok(Tail::Gone);
            }
        } else if from.event != EventId(uuid::Uuid::nil()) {
            return Ok(Tail::Gone);
        }
        let (mut messages, mut bytes, mut at) = (Vec::new(), 0, from);
        loop {
            let limit = PAGE_EVENTS.min(bound.events - messages.len() + 1);
            let events = self.journal.events(session, at.version, limit).await?;
            let page = events.len();
            for event in &events {
                if bound.to.is_some_and(|to| event.version > to) {
                    return Ok(Tail::Messages { messages, more: false });
                }
                let message = tell(event, at)?;
                bytes += message.size();
                if messages.len() == bound.events || bytes > RESUME_BYTES {
                    return Ok(Tail::Messages { messages, more: true });
                }
                at = message.position;
                messages.push(message);
            }
            if page < limit {
                return Ok(Tail::Messages { messages, more: false });
            }
        }
    }
}

fn tell(event: &JournalEvent, after: Position) -> Result<Message, JournalError> {
    message(event, after).map_err(|error| JournalError::Corrupt(error.to_string()))
}
