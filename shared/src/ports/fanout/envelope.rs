//! The payload of one publish: some messages of one session. Readable from the front, so that what
//! is of no interest costs nothing.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::ids::{Position, SessionId};
use crate::message::Message;

/// What one publish of a shard's channel carries: an encoded [`Envelope`].
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Envelope {
    /// The session.
    pub session: SessionId,
    /// Consecutive messages; empty variants where the body was too large to publish.
    pub messages: Vec<Message>,
    /// The bodies were left out: fetch.
    pub truncated: bool,
}

/// The first bytes of an envelope: enough to tell what is of no interest without decoding it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Peek {
    /// The session.
    pub session: SessionId,
    /// How many messages.
    pub count: u64,
    /// Position of the first of them; [`Position::START`] when there is none.
    pub first: Position,
}

/// The payload is no envelope of this release.
#[derive(Debug, thiserror::Error)]
#[error("not an envelope")]
pub struct BadEnvelope(#[source] postcard::Error);

impl Envelope {
    /// The payload.
    ///
    /// # Panics
    /// Never: everything in it can be encoded.
    pub fn encode(&self) -> Bytes {
        postcard::to_stdvec(self).expect("an envelope can be encoded").into()
    }

    /// The envelope of a payload.
    ///
    /// # Errors
    /// [`BadEnvelope`].
    pub fn decode(payload: &[u8]) -> Result<Self, BadEnvelope> {
        postcard::from_bytes(payload).map_err(BadEnvelope)
    }

    /// The first bytes of a payload.
    ///
    /// # Errors
    /// [`BadEnvelope`].
    pub fn peek(payload: &[u8]) -> Result<Peek, BadEnvelope> {
        let ((session, count), rest) =
            postcard::take_from_bytes::<(SessionId, u64)>(payload).map_err(BadEnvelope)?;
        let first = match count {
            0 => Position::START,
            _ => postcard::take_from_bytes(rest).map_err(BadEnvelope)?.0,
        };
        Ok(Peek { session, count, first })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{EventId, Version};
    use crate::message::{Audience, Effect, Variant};
    use crate::time::Timestamp;

    fn message(version: u64) -> Message {
        let position = |version| Position {
            version: Version(version),
            event: EventId(uuid::Uuid::from_u128(u128::from(version))),
        };
        Message {
            position: position(version),
            after: position(version - 1),
            at: Timestamp(1_700_000_000_000),
            variants: vec![Variant { audience: Audience::gms(), head: "{\"type\"".to_owned() }],
            effects: vec![Effect::Resync { players: None }],
        }
    }

    #[test]
    fn an_envelope_survives_and_can_be_peeked_into() {
        let session = SessionId(uuid::Uuid::from_u128(7));
        for count in [0_u64, 1, 300] {
            let messages: Vec<Message> = (1..=count).map(|n| message(n + 500)).collect();
            let first = messages.first().map_or(Position::START, |message| message.position);
            let envelope = Envelope { session, messages, truncated: false };
            let payload = envelope.encode();
            assert_eq!(Envelope::decode(&payload).expect("decodes"), envelope);
            let peek = Envelope::peek(&payload).expect("peeks");
            assert_eq!(peek, Peek { session, count, first });
        }
    }

    #[test]
    fn other_bytes_are_no_envelope() {
        assert!(Envelope::decode(b"x").is_err());
        assert!(Envelope::peek(&[]).is_err());
    }
}
