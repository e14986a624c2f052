//! Lists: `{"items", "next_cursor"}`, and the cursor of the list of sessions.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gss_shared::ids::SessionId;
use gss_shared::time::Timestamp;
use uuid::Uuid;

/// Items of a page, unless asked otherwise.
pub(crate) const DEFAULT_LIMIT: u32 = 20;
/// Items of a page at most.
pub(crate) const MOST: u32 = 100;
/// Events of a page, unless asked otherwise.
pub(crate) const DEFAULT_EVENTS: u32 = 100;
/// Events of a page at most.
pub(crate) const MOST_EVENTS: u32 = 1_000;

/// Where the page before ended: creation time and id of its last session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct SessionCursor(pub(crate) Timestamp, pub(crate) SessionId);

impl std::fmt::Display for SessionCursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut bytes = [0; 24];
        bytes[..8].copy_from_slice(&self.0.0.to_be_bytes());
        bytes[8..].copy_from_slice(self.1.0.as_bytes());
        f.write_str(&URL_SAFE_NO_PAD.encode(bytes))
    }
}

/// The text is no cursor of ours.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct BadCursor;

impl std::str::FromStr for SessionCursor {
    type Err = BadCursor;

    fn from_str(text: &str) -> Result<Self, BadCursor> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| BadCursor)?;
        let bytes: [u8; 24] = bytes.try_into().map_err(|_| BadCursor)?;
        let (time, id) = bytes.split_first_chunk::<8>().ok_or(BadCursor)?;
        let id = Uuid::from_slice(id).map_err(|_| BadCursor)?;
        Ok(Self(Timestamp(i64::from_be_bytes(*time)), SessionId(id)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_text() {
        let cursor = SessionCursor(Timestamp(1_795_287_731_480), SessionId(Uuid::from_u128(7)));
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        for text in ["", "eyJhIjo0Mjd9", "%%"] {
            assert_eq!(text.parse::<SessionCursor>(), Err(BadCursor), "{text}");
        }
    }
}
