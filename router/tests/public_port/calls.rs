//! Calls that reach the session's owner: what it is asked, and how its answer looks.

use gss_shared::error_code::ErrorCode;
use gss_shared::ids::{ActionId, Version};
use gss_shared::link::frame::{CommandBody, ReadKind};
use serde_json::json;

use super::harness::{Router, SESSION, alice};
use super::node::{Came, Node, Said};

const CAMPAIGN: &str = "1509bb0a-9bf1-4331-8a11-8783593942a4";
const WS: &str = "ws://127.0.0.1:8080/api/v2/sessions";

fn of_session(method: &str, rest: &str) -> String {
    format!("{method} /api/v2/sessions/{SESSION}{rest}")
}

/// Accepts every command with this view and answers every read with it.
fn shows(view: &'static str) -> Node {
    Node::new(move |_| Ok(Some(view.to_owned())))
}

fn refuses(code: ErrorCode, message: &'static str, details: &'static str) -> Node {
    Node::new(move |_| Said::Err((code, message, details)))
}

fn action(came: &Came) -> ActionId {
    match came {
        Came::Command(command) => match &command.body {
            CommandBody::Rest { action, .. } => *action,
            CommandBody::Frame(text) => panic!("a frame: {text}"),
        },
        Came::Read(read) => panic!("a read: {read:?}"),
    }
}

#[tokio::test]
async fn create_answers_with_a_token_of_the_creator() {
    let node = shows(r#"{"generation":7,"role":"gm","state":{}}"#);
    let router = Router::with_node(&node).await;
    let body = format!(r#"{{"campaign_id":"{CAMPAIGN}","name":"One-shot","theme":"dark"}}"#);
    let answer = router.call("POST /api/v2/sessions", &body).await;
    let created = answer.json();
    assert_eq!(answer.status, 201, "{created}");
    let id = created["session_id"].as_str().expect("session_id");
    assert_eq!(created["websocket_url"], format!("{WS}/{id}/ws"));
    assert_eq!(created.as_object().expect("object").len(), 3);
    let claims = router.opened(created["connection_token"].as_str().expect("token"));
    assert_eq!((claims.session.to_string().as_str(), claims.player), (id, alice()));
    assert_eq!((claims.generation, claims.resume), (7, false));
    let sent = format!(
        r#"{{"kind":"create","campaign_id":"{CAMPAIGN}","name":"One-shot","settings":{{}}}}"#
    );
    assert_eq!(node.commands(), [sent]);
    assert_eq!(answer.headers["ratelimit-remaining"], "9");
}

#[tokio::test]
async fn a_key_makes_a_repeated_call_the_same_action() {
    let node = shows(r#"{"generation":1,"role":"gm","state":{}}"#);
    let router = Router::with_node(&node).await;
    let body = format!(r#"{{"campaign_id":"{CAMPAIGN}","name":"x"}}"#);
    let keyed = |key: &str| vec![router.bearer(), format!("Idempotency-Key: {key}")];
    let mut ids = Vec::new();
    for key in ["k1", "k1", "k2"] {
        let answer = router.send("POST /api/v2/sessions", &keyed(key), &body).await;
        ids.push(answer.json()["session_id"].as_str().expect("id").to_owned());
    }
    let actions: Vec<_> = node.came().iter().map(action).collect();
    assert_eq!((&ids[0], actions[0]), (&ids[1], actions[1]));
    assert_ne!(ids[0], ids[2]);
    assert_ne!(actions[0], actions[2]);
}

#[tokio::test]
async fn join_shows_the_state_and_counts_against_the_session() {
    let node = Node::new(|came| {
        let limits = matches!(came, Came::Read(read) if read.kind == ReadKind::Limits);
        let view = if limits {
            r#"{"joins_per_minute":1}"#
        } else {
            r#"{"generation":2,"role":"player","state":{"shared":{"door":1}}}"#
        };
        Ok(Some(view.to_owned()))
    });
    let router = Router::with_node(&node).await;
    let body = r#"{"role":"spectator","invite_code":"7QK2-M9XD","color":"red"}"#;
    let answer = router.call(&of_session("POST", "/join"), body).await;
    let joined = answer.json();
    assert_eq!(answer.status, 200, "{joined}");
    assert_eq!(joined["session_state"], json!({"shared": {"door": 1}}));
    assert_eq!(joined["websocket_url"], format!("{WS}/{SESSION}/ws"));
    let sent = r#"{"kind":"join","role":"spectator","invite_code":"7QK2-M9XD"}"#;
    assert_eq!(node.commands(), [sent]);
    assert_eq!(answer.headers["ratelimit-limit"], "1", "the session's own limit");
    let answer = router.call(&of_session("POST", "/join"), "").await;
    answer.assert_refused(429, "rate_limited", "Too many requests; wait and retry.");
    assert_eq!(node.commands().len(), 1);
}

#[tokio::test]
async fn a_session_is_read_with_its_version_as_tag() {
    let node = shows(r#"{"session_id":"x","version":"428"}"#);
    let router = Router::with_node(&node).await;
    let get = of_session("GET", "");
    let answer = router.call(&get, "").await;
    let expected = json!({
        "session_id": "x", "version": "428", "websocket_url": format!("{WS}/{SESSION}/ws"),
    });
    assert_eq!((answer.status, answer.json()), (200, expected));
    assert_eq!(answer.headers["etag"], "\"428\"");
    assert_eq!(answer.headers["cache-control"], "private, no-cache");
    let lines = [router.bearer(), "If-None-Match: \"428\"".to_owned()];
    let answer = router.send(&get, &lines, "").await;
    assert_eq!((answer.status, answer.body.as_str()), (304, ""));
    assert_eq!(answer.headers["etag"], "\"428\"");
}

#[tokio::test]
async fn changes_say_which_version_they_were_made_for() {
    let node = shows(r#"{"version":"428"}"#);
    let router = Router::with_node(&node).await;
    let lines = [router.bearer(), "If-Match: \"427\"".to_owned()];
    let patch = r#"{"settings":{"join":"closed"}}"#;
    let answer = router.send(&of_session("PATCH", ""), &lines, patch).await;
    assert_eq!((answer.status, answer.headers["etag"].as_str()), (200, "\"428\""));
    let answer = router.send(&of_session("DELETE", ""), &lines, "").await;
    assert_eq!((answer.status, answer.body.as_str()), (204, ""));
    let sent = [
        r#"{"kind":"update","settings":{"join":"closed"},"if_match":427}"#,
        r#"{"kind":"delete","if_match":427}"#,
    ];
    assert_eq!(node.commands(), sent);
}

#[tokio::test]
async fn refusals_of_the_owner_keep_their_details() {
    let node = refuses(ErrorCode::Conflict, "It is at 428.", r#"{"current":"428"}"#);
    let router = Router::with_node(&node).await;
    let answer = router.call(&of_session("POST", "/pause"), "").await;
    answer.assert_refused(409, "conflict", "It is at 428.");
    assert_eq!(answer.refusal().3["current"], "428");
    let node = refuses(ErrorCode::SessionNotFound, "There is no such session.", "{}");
    let router = Router::with_node(&node).await;
    let answer = router.call(&of_session("GET", "/state"), "").await;
    answer.assert_refused(404, "session_not_found", "There is no such session.");
}

#[tokio::test]
async fn saves_and_rollbacks_answer_with_the_committed_version() {
    let node = shows("{}");
    let router = Router::with_node(&node).await;
    let save = r#"{"state":{"shared":{}},"metadata":{"scene":"ford"}}"#;
    let answer = router.call(&of_session("POST", "/state"), save).await;
    let at = "2026-11-18T11:06:41.000Z";
    assert_eq!(answer.json(), json!({"version": "428", "timestamp": at}));
    let answer = router.call(&of_session("POST", "/rollback"), r#"{"to_version":"400"}"#).await;
    let expected = json!({"version": "428", "to_version": "400", "timestamp": at});
    assert_eq!(answer.json(), expected);
    let sent = [
        r#"{"kind":"save_state","state":{"shared":{}},"metadata":{"scene":"ford"}}"#,
        r#"{"kind":"rollback","to_version":400}"#,
    ];
    assert_eq!(node.commands(), sent);
}

#[tokio::test]
async fn members_are_changed_by_commands() {
    let view = r#"{"player_id":"x","invite_code":"7QK2-M9XD"}"#;
    let node = shows(view);
    let router = Router::with_node(&node).await;
    let player = alice();
    let change = format!("/players/{player}");
    let put = r#"{"role":"assistant_gm","banned":false}"#;
    assert_eq!(router.call(&of_session("PUT", &change), put).await.body, sorted(view));
    assert_eq!(router.call(&of_session("DELETE", &change), "").await.status, 204);
    assert_eq!(router.call(&of_session("POST", "/leave"), "").await.status, 204);
    let answer = router.call(&of_session("POST", "/invites"), r#"{"uses":4}"#).await;
    let url = format!("http://127.0.0.1:8080/join/{SESSION}#7QK2-M9XD");
    assert_eq!((answer.status, &answer.json()["join_url"]), (201, &json!(url)));
    let sent = [
        format!(
            r#"{{"kind":"update_player","player_id":"{player}","role":"assistant_gm","banned":false}}"#
        ),
        format!(r#"{{"kind":"kick","player_id":"{player}"}}"#),
        r#"{"kind":"leave"}"#.to_owned(),
        r#"{"kind":"create_invite","uses":4}"#.to_owned(),
    ];
    assert_eq!(node.commands(), sent);
}

/// The same object with its members in order, as the router encodes it.
fn sorted(json: &str) -> String {
    serde_json::from_str::<serde_json::Value>(json).expect("JSON").to_string()
}

#[tokio::test]
async fn reads_ask_the_owner_for_what_the_query_says() {
    let node = shows(r#"{"items":[],"next_cursor":null}"#);
    let router = Router::with_node(&node).await;
    for rest in [
        "/events?after=400&limit=1000&type=state_update&type=roll_result",
        "/events",
        "/states?cursor=c1",
        "/players?limit=5",
        &format!("/players/{}", alice()),
        "/state",
    ] {
        let answer = router.call(&of_session("GET", rest), "").await;
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (200, r#"{"items":[],"next_cursor":null}"#)
        );
    }
    let kinds = node.came().into_iter().map(|came| match came {
        Came::Read(read) => read.kind,
        Came::Command(command) => panic!("a command: {command:?}"),
    });
    let types = vec!["state_update".to_owned(), "roll_result".to_owned()];
    let expected = [
        ReadKind::Events { after: Version(400), limit: 1_000, types },
        ReadKind::Events { after: Version(0), limit: 100, types: Vec::new() },
        ReadKind::SavedStates { limit: 20, cursor: Some("c1".to_owned()) },
        ReadKind::Players { limit: 5, cursor: None },
        ReadKind::Player(alice()),
        ReadKind::State,
    ];
    assert_eq!(kinds.collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn an_action_is_passed_on_as_it_came_and_acknowledged() {
    let node = shows("{}");
    let router = Router::with_node(&node).await;
    let id = "4f859933-fdf0-445f-97e4-85b6761978dd";
    let frame =
        format!(r#"{{ "type":"chat", "data":{{"action_id":"{id}","text":"hi","to":"all"}}}}"#);
    let answer = router.call(&of_session("POST", "/actions"), &frame).await;
    let expected = json!({
        "action_id": id,
        "version": "428",
        "position": Node::position().to_string(),
        "timestamp": "2026-11-18T11:06:41.000Z",
        "duplicate": false,
    });
    assert_eq!((answer.status, answer.json()), (200, expected));
    assert_eq!(node.commands(), [frame]);
}
