//! Reading a request's body: bounded in bytes and in time, JSON or nothing.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use gss_shared::beside::beside;
use gss_shared::error_code::{ClientError, ErrorCode};
use http_body_util::BodyExt as _;
use hyper::HeaderMap;
use hyper::body::{Body, Incoming};
use hyper::header;
use serde_json::Value;

/// A body of any call but a state save, bytes: as a WebSocket frame.
pub(crate) const BODY_BYTES: usize = gss_shared::limits::CLIENT_FRAME_BYTES;
/// A state save's body, bytes: a full document, its metadata, and air for white space and escapes.
pub(crate) const STATE_BODY_BYTES: usize = 4 << 20;
/// Of a body that is too large, this much more is read and dropped, so that a client that is
/// still writing reads the refusal instead of a reset.
const DRAIN_BYTES: usize = 4 << 20;
/// A client that is slower than this is not waited for.
const READ_TIME: Duration = Duration::from_secs(15);
/// Bodies above this are parsed beside the runtime's workers: parsing 1 MiB takes milliseconds.
const PARSE_INLINE_BYTES: usize = 64 << 10;

/// How large a body may be, and what it is called when it is larger.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bound {
    bytes: usize,
    code: ErrorCode,
}

impl Bound {
    /// For all calls but state saves.
    pub(crate) const COMMAND: Self = Self { bytes: BODY_BYTES, code: ErrorCode::FrameTooLarge };
    /// For state saves.
    pub(crate) const STATE: Self = Self { bytes: STATE_BODY_BYTES, code: ErrorCode::StateTooLarge };

    fn refusal(self) -> ClientError {
        ClientError::new(self.code, "The body is too large.").with("limit_bytes", self.bytes)
    }
}

/// The whole body.
pub(crate) async fn read(body: Incoming, bound: Bound) -> Result<Bytes, ClientError> {
    let late = ClientError::new(ErrorCode::InvalidArgument, "The body took too long to arrive.");
    tokio::time::timeout(READ_TIME, collect(body, bound)).await.unwrap_or(Err(late))
}

async fn collect(mut body: Incoming, bound: Bound) -> Result<Bytes, ClientError> {
    let mut taken = BytesMut::new();
    let mut seen = 0;
    if body.size_hint().lower() > (bound.bytes + DRAIN_BYTES) as u64 {
        return Err(bound.refusal());
    }
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            tracing::debug!(%error, "body broke off");
            ClientError::new(ErrorCode::InvalidArgument, "The body broke off.")
        })?;
        let Some(data) = frame.data_ref() else { continue };
        seen += data.len();
        if seen > bound.bytes + DRAIN_BYTES {
            break;
        }
        if seen <= bound.bytes {
            taken.extend_from_slice(data);
        }
    }
    if seen > bound.bytes { Err(bound.refusal()) } else { Ok(taken.freeze()) }
}

/// Refuses bodies that say they are something else than JSON in UTF-8.
pub(crate) fn check_type(headers: &HeaderMap) -> Result<(), ClientError> {
    let refused =
        || ClientError::new(ErrorCode::InvalidArgument, "The body must be `application/json`.");
    if headers.contains_key(header::CONTENT_ENCODING) {
        return Err(ClientError::new(
            ErrorCode::InvalidArgument,
            "A body must come without content encoding.",
        ));
    }
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return Ok(()) };
    let essence = value.to_str().map_err(|_| refused())?.split(';').next().unwrap_or_default();
    if essence.trim().eq_ignore_ascii_case("application/json") { Ok(()) } else { Err(refused()) }
}

/// The JSON of a body.
pub(crate) async fn parse(bytes: Bytes) -> Result<Value, ClientError> {
    beside(bytes.len() > PARSE_INLINE_BYTES, move || json(&bytes)).await.unwrap_or_else(|error| {
        tracing::error!(%error, "parsing a body");
        Err(ClientError::new(ErrorCode::Internal, "The body could not be read."))
    })
}

fn json(bytes: &[u8]) -> Result<Value, ClientError> {
    serde_json::from_slice(bytes).map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        ClientError::new(ErrorCode::InvalidJson, format!("The body is not JSON ({place})."))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_json_types_pass() {
        let check = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("content-type", value.parse().expect("value"));
            check_type(&headers).map_err(|error| error.message)
        };
        assert_eq!(check("application/json"), Ok(()));
        assert_eq!(check("Application/JSON; charset=utf-8"), Ok(()));
        let refused = Err("The body must be `application/json`.".to_owned());
        assert_eq!(check("text/plain"), refused);
        assert_eq!(check("application/x-www-form-urlencoded"), refused);
        assert_eq!(check_type(&HeaderMap::new()), Ok(()));
    }

    #[tokio::test]
    async fn bad_json_says_where() {
        for (text, place) in
            [("", "line 1, column 0"), ("{\"a\":", "line 1, column 5"), ("{}x", "line 1, column 3")]
        {
            let error = parse(Bytes::from_static(text.as_bytes())).await.expect_err("no JSON");
            assert_eq!(error.code, ErrorCode::InvalidJson);
            assert_eq!(error.message, format!("The body is not JSON ({place})."));
        }
    }
}
