//! What calls may contain, and what is answered when they do not.

use serde_json::json;

use super::harness::{Router, SESSION};

fn of_session(method: &str, rest: &str) -> String {
    format!("{method} /api/v2/sessions/{SESSION}{rest}")
}

#[tokio::test]
async fn bodies_at_fault_name_the_member() {
    let router = Router::start().await;
    let create = "POST /api/v2/sessions".to_owned();
    let id = r#""campaign_id":"1509bb0a-9bf1-4331-8a11-8783593942a4""#;
    for (request, body, message, member) in [
        (&create, "[]".to_owned(), "The body must be a JSON object.", None),
        (&create, format!("{{{id}}}"), "`name` is required.", Some("name")),
        (&create, format!("{{{id},\"name\":7}}"), "`name` must be a string.", Some("name")),
        (
            &create,
            r#"{"name":"x","campaign_id":"7"}"#.to_owned(),
            "`campaign_id` must be a UUID.",
            Some("campaign_id"),
        ),
        (
            &of_session("PATCH", ""),
            r#"{"name":"x","owner":"y"}"#.to_owned(),
            "The body has no member `owner`.",
            Some("owner"),
        ),
        (
            &of_session("PATCH", ""),
            "{}".to_owned(),
            "The body must have at least one member.",
            None,
        ),
        (
            &of_session("POST", "/invites"),
            r#"{"uses":1001}"#.to_owned(),
            "`uses` must be a whole number from 1 to 1000.",
            Some("uses"),
        ),
        (
            &of_session("POST", "/join"),
            r#"{"role":"gm"}"#.to_owned(),
            "`role` must be one of player, spectator.",
            Some("role"),
        ),
        (
            &of_session("POST", "/rollback"),
            r#"{"to_version":400}"#.to_owned(),
            "`to_version` must be a string.",
            Some("to_version"),
        ),
        (
            &of_session("POST", "/state"),
            r#"{"state":[]}"#.to_owned(),
            "`state` must be an object.",
            Some("state"),
        ),
    ] {
        let (status, code, found, details) = router.call(request, &body).await.refusal();
        assert_eq!((status, code.as_str()), (400, "invalid_argument"), "{body}");
        assert_eq!((found.as_str(), details["member"].as_str()), (message, member), "{body}");
    }
}

#[tokio::test]
async fn what_is_no_json_is_told_so() {
    let router = Router::start().await;
    let answer = router.call("POST /api/v2/sessions", "{\"name\":").await;
    answer.assert_refused(400, "invalid_json", "The body is not JSON (line 1, column 8).");
    let lines = [router.bearer(), "Content-Type: text/plain".to_owned()];
    let answer = router.send("POST /api/v2/sessions", &lines, "{}").await;
    answer.assert_refused(400, "invalid_argument", "The body must be `application/json`.");
    let answer = router.call(&of_session("POST", "/actions"), r#"{"type":7}"#).await;
    assert_eq!((answer.status, answer.refusal().1.as_str()), (400, "invalid_frame"));
}

#[tokio::test]
async fn large_bodies_are_refused_by_what_they_are() {
    let router = Router::start().await;
    let body = format!(r#"{{"name":"{}"}}"#, "x".repeat(64 << 10));
    let answer = router.call("POST /api/v2/sessions", &body).await;
    let (status, code, _, details) = answer.refusal();
    assert_eq!((status, code.as_str()), (400, "frame_too_large"));
    assert_eq!(details, json!({"limit_bytes": 65_536}));
    let body = format!(r#"{{"state":{{"shared":"{}"}}}}"#, "x".repeat(4 << 20));
    let answer = router.call(&of_session("POST", "/state"), &body).await;
    answer.assert_refused(400, "state_too_large", "The body is too large.");
}

#[tokio::test]
async fn queries_and_conditions_are_checked() {
    let router = Router::start().await;
    for (request, message) in [
        (
            "GET /api/v2/sessions?limit=101".to_owned(),
            "Query parameter `limit` must be a whole number from 1 to 100.",
        ),
        ("GET /api/v2/sessions?page=2".to_owned(), "There is no query parameter `page`."),
        (
            "GET /api/v2/sessions?cursor=x".to_owned(),
            "Query parameter `cursor` must be the `next_cursor` of a page with the same filters.",
        ),
        (
            "GET /api/v2/sessions?status=gone".to_owned(),
            "Query parameter `status` must be one of created, active, paused, ended.",
        ),
        (of_session("GET", "/events?after=-1"), "Query parameter `after` must be a version."),
    ] {
        router.call(&request, "").await.assert_refused(400, "invalid_argument", message);
    }
    let lines = [router.bearer(), "If-Match: 428".to_owned()];
    let answer = router.send(&of_session("DELETE", ""), &lines, "").await;
    let message = "`If-Match` must be one entity tag as `ETag` gave it, or *.";
    answer.assert_refused(400, "invalid_argument", message);
    let lines = [router.bearer(), "Idempotency-Key: a".to_owned(), "Idempotency-Key: b".to_owned()];
    let answer = router.send(&of_session("POST", "/pause"), &lines, "").await;
    let message = "`Idempotency-Key` must be 1 to 255 printable ASCII characters, once.";
    answer.assert_refused(400, "invalid_argument", message);
}

#[tokio::test]
async fn ids_that_cannot_be_name_nothing() {
    let router = Router::start().await;
    let answer = router.call("GET /api/v2/sessions/427", "").await;
    answer.assert_refused(404, "session_not_found", "There is no such session.");
    let answer = router.call(&of_session("GET", "/players/me"), "").await;
    answer.assert_refused(404, "not_found", "There is no such call.");
}

#[tokio::test]
async fn an_empty_journal_lists_nothing() {
    let router = Router::start().await;
    let answer = router.call("GET /api/v2/sessions?mine=true&type=game", "").await;
    assert_eq!((answer.status, answer.json()), (200, json!({"items": [], "next_cursor": null})));
    assert_eq!(answer.headers["cache-control"], "no-store");
}
