//! Text frames that a router itself says to a client. Frames of journaled events come ready from
//! the owner ([`crate::message`]).

use serde::Serialize;

use crate::error_code::ClientError;
use crate::ids::{ActionId, ConnectionId, PlayerId, Position, ResumePoint, SessionId};
use crate::limits;
use crate::message::Role;
use crate::time::Timestamp;

/// What the first frame of a connection says.
#[derive(Clone, Debug)]
pub struct Established<'a> {
    /// The session.
    pub session: SessionId,
    /// The member.
    pub player: PlayerId,
    /// Now.
    pub at: Timestamp,
    /// The connection.
    pub connection: ConnectionId,
    /// The member's role.
    pub role: Role,
    /// The missed messages follow; otherwise one `sync_response`.
    pub resumed: bool,
    /// Where the client's stream begins: what it resumed from, or the snapshot's.
    pub position: ResumePoint,
    /// Opens the next connection.
    pub resume_token: &'a str,
}

#[derive(Serialize)]
struct Frame<T> {
    r#type: &'static str,
    data: T,
}

#[derive(Serialize)]
struct ErrorFrame<'a> {
    r#type: &'static str,
    error: &'a ClientError,
}

fn text<T: Serialize>(frame: &T) -> String {
    serde_json::to_string(frame).expect("strings, numbers and maps with text keys are JSON")
}

/// `connection_established`.
pub fn established_frame(established: &Established<'_>) -> String {
    #[derive(Serialize)]
    struct Data<'a> {
        session_id: SessionId,
        player_id: PlayerId,
        timestamp: Timestamp,
        connection_id: ConnectionId,
        role: Role,
        resumed: bool,
        position: String,
        resume_token: &'a str,
        heartbeat_interval_ms: u64,
    }
    let data = Data {
        session_id: established.session,
        player_id: established.player,
        timestamp: established.at,
        connection_id: established.connection,
        role: established.role,
        resumed: established.resumed,
        position: established.position.to_string(),
        resume_token: established.resume_token,
        heartbeat_interval_ms: limits::HEARTBEAT_SECONDS * 1_000,
    };
    text(&Frame { r#type: "connection_established", data })
}

/// `connection_error`: an upgraded connection is not admitted; a close follows.
pub fn connection_error_frame(error: &ClientError) -> String {
    text(&ErrorFrame { r#type: "connection_error", error })
}

/// `error`.
pub fn error_frame(error: &ClientError) -> String {
    text(&ErrorFrame { r#type: "error", error })
}

/// `ack`: the command is durable; the position is that of its last event.
pub fn ack_frame(action: ActionId, position: Position, at: Timestamp, duplicate: bool) -> String {
    #[derive(Serialize)]
    struct Data {
        action_id: ActionId,
        version: String,
        position: String,
        timestamp: Timestamp,
        duplicate: bool,
    }
    let data = Data {
        action_id: action,
        version: position.version.to_string(),
        position: position.to_string(),
        timestamp: at,
        duplicate,
    };
    text(&Frame { r#type: "ack", data })
}

/// `sync_response` around its `data` object, which has members. `stale`: the journal did not answer,
/// so that there may be later events.
pub fn sync_frame(data: &str, stale: bool) -> String {
    let open = data.strip_suffix('}').unwrap_or(data);
    let mark = if stale { r#","stale":true"# } else { "" };
    format!(r#"{{"type":"sync_response","data":{open}{mark}}}}}"#)
}

/// The server's `heartbeat`.
pub fn heartbeat_frame(at: Timestamp, position: ResumePoint, resume_token: &str) -> String {
    #[derive(Serialize)]
    struct Data<'a> {
        timestamp: Timestamp,
        position: String,
        resume_token: &'a str,
    }
    let data = Data { timestamp: at, position: position.to_string(), resume_token };
    text(&Frame { r#type: "heartbeat", data })
}

/// `auth_refreshed`.
pub fn auth_refreshed_frame(expires_at: Timestamp) -> String {
    #[derive(Serialize)]
    struct Data {
        expires_at: Timestamp,
    }
    text(&Frame { r#type: "auth_refreshed", data: Data { expires_at } })
}

/// `going_away`: reconnect and resume after this time; a close 1012 follows.
pub fn going_away_frame(reconnect_after_ms: u64) -> String {
    #[derive(Serialize)]
    struct Data {
        reconnect_after_ms: u64,
    }
    text(&Frame { r#type: "going_away", data: Data { reconnect_after_ms } })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error_code::ErrorCode;
    use crate::ids::Version;

    const ID: &str = "47eaa099-2cb6-416d-86dc-283cf0480ff9";
    const OTHER: &str = "59ba1b0d-5c90-4158-a909-406c2e416788";

    fn at() -> Timestamp {
        "2026-11-21T19:02:11.480Z".parse().expect("time")
    }

    fn position() -> Position {
        Position { version: Version(427), event: ID.parse().expect("uuid") }
    }

    #[test]
    fn established() {
        let frame = established_frame(&Established {
            session: ID.parse().expect("uuid"),
            player: OTHER.parse().expect("uuid"),
            at: at(),
            connection: ID.parse().expect("uuid"),
            role: Role::AssistantGm,
            resumed: true,
            position: position().into(),
            resume_token: "a.b.c",
        });
        let expected = format!(
            r#"{{"type":"connection_established","data":{{"session_id":"{ID}","player_id":"{OTHER}","timestamp":"2026-11-21T19:02:11.480Z","connection_id":"{ID}","role":"assistant_gm","resumed":true,"position":"AQAAAAAAAAGrR-qgmSy2QW2G3Cg88EgP-Q","resume_token":"a.b.c","heartbeat_interval_ms":30000}}}}"#
        );
        assert_eq!(frame, expected);
    }

    #[test]
    fn ack() {
        let frame = ack_frame(OTHER.parse().expect("uuid"), position(), at(), false);
        let expected = format!(
            r#"{{"type":"ack","data":{{"action_id":"{OTHER}","version":"427","position":"AQAAAAAAAAGrR-qgmSy2QW2G3Cg88EgP-Q","timestamp":"2026-11-21T19:02:11.480Z","duplicate":false}}}}"#
        );
        assert_eq!(frame, expected);
    }

    #[test]
    fn errors() {
        let plain = ClientError::new(ErrorCode::SessionEnded, "The session has ended.");
        assert_eq!(
            connection_error_frame(&plain),
            r#"{"type":"connection_error","error":{"code":"session_ended","message":"The session has ended."}}"#
        );
        assert_eq!(
            error_frame(&plain.with("action_id", OTHER)),
            format!(
                r#"{{"type":"error","error":{{"code":"session_ended","message":"The session has ended.","details":{{"action_id":"{OTHER}"}}}}}}"#
            )
        );
    }

    #[test]
    fn the_rest() {
        assert_eq!(
            sync_frame(r#"{"state":{},"version":"1","position":"p"}"#, false),
            r#"{"type":"sync_response","data":{"state":{},"version":"1","position":"p"}}"#
        );
        assert_eq!(
            sync_frame(r#"{"state":{},"version":"1","position":"p"}"#, true),
            r#"{"type":"sync_response","data":{"state":{},"version":"1","position":"p","stale":true}}"#
        );
        assert_eq!(
            heartbeat_frame(at(), position().into(), "a.b.c"),
            r#"{"type":"heartbeat","data":{"timestamp":"2026-11-21T19:02:11.480Z","position":"AQAAAAAAAAGrR-qgmSy2QW2G3Cg88EgP-Q","resume_token":"a.b.c"}}"#
        );
        assert_eq!(
            auth_refreshed_frame(at()),
            r#"{"type":"auth_refreshed","data":{"expires_at":"2026-11-21T19:02:11.480Z"}}"#
        );
        assert_eq!(
            going_away_frame(1_800),
            r#"{"type":"going_away","data":{"reconnect_after_ms":1800}}"#
        );
    }
}
