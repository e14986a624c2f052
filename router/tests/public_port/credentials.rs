//! Who may call.

use super::harness::{Router, SESSION, alice, bob, ws_path};

const SESSIONS: &str = "GET /api/v2/sessions";

#[tokio::test]
async fn calls_need_a_genuine_token() {
    let router = Router::start().await;
    let answer = router.send(SESSIONS, &[], "").await;
    answer.assert_refused(401, "unauthenticated", "A bearer token is required.");
    assert_eq!(answer.headers["www-authenticate"], "Bearer");
    let invalid = "The bearer token is not valid.";
    for token in ["x", "a.b.c", &format!("{}x", router.jwt(600))] {
        let answer = router.send(SESSIONS, &[format!("Authorization: Bearer {token}")], "").await;
        answer.assert_refused(401, "unauthenticated", invalid);
    }
    let answer = router.send(SESSIONS, &["Authorization: Basic dTpw".to_owned()], "").await;
    let message = "`Authorization` must be `Bearer` and a token.";
    answer.assert_refused(401, "unauthenticated", message);
}

#[tokio::test]
async fn an_expired_token_is_told_so() {
    let router = Router::start().await;
    let bearer = format!("Authorization: Bearer {}", router.jwt(-31));
    let answer = router.send(SESSIONS, &[bearer], "").await;
    answer.assert_refused(401, "token_expired", "The bearer token has expired.");
}

#[tokio::test]
async fn tokens_in_urls_and_twice_given_ones_are_not_read() {
    let router = Router::start().await;
    let path = format!("GET /api/v2/sessions?access_token={}", router.jwt(600));
    let answer = router.send(&path, &[], "").await;
    answer.assert_refused(401, "unauthenticated", "A bearer token is required.");
    let answer = router.send(SESSIONS, &[router.bearer(), router.bearer()], "").await;
    answer.assert_refused(401, "unauthenticated", "Credentials must be given once.");
    let path = format!("{}?token={}", ws_path(), router.token(alice(), 0, false));
    let answer = router.upgrade(&path, &[router.bearer()]).await;
    answer.assert_refused(401, "unauthenticated", "A session token is required.");
}

#[tokio::test]
async fn session_tokens_open_one_session_of_one_user() {
    let router = Router::start().await;
    let with = |token: String| vec![router.bearer(), format!("X-Session-Token: {token}")];
    let path = ws_path();
    let good = router.token(alice(), 0, false);

    let answer = router.upgrade(&path, &with(router.token(bob(), 0, false))).await;
    answer.assert_refused(403, "forbidden", "The session token is of another user.");
    let other = path.replace(SESSION, "00000000-0000-0000-0000-000000000001");
    let answer = router.upgrade(&other, &with(good.clone())).await;
    answer.assert_refused(403, "forbidden", "The session token is of another session.");
    let answer = router.upgrade(&path, &with(format!("{good}x"))).await;
    answer.assert_refused(401, "unauthenticated", "The session token is not valid.");
    let answer = router.upgrade(&path, &with(router.jwt(600))).await;
    answer.assert_refused(401, "unauthenticated", "The session token is not valid.");
    let answer = router.upgrade(&path, &with(router.token(alice(), -601, false))).await;
    answer.assert_refused(401, "token_expired", "The session token has expired.");
    let answer = router.upgrade(&path.replace(SESSION, "x"), &with(good)).await;
    answer.assert_refused(404, "session_not_found", "There is no such session.");
}

#[tokio::test]
async fn creating_needs_its_scope_where_the_operator_says_so() {
    let router = Router::start_with(|config, _| config.auth.require_create_scope = true).await;
    let body = format!(r#"{{"campaign_id":"{SESSION}","name":"x"}}"#);
    let answer = router.call("POST /api/v2/sessions", &body).await;
    let message = "The bearer token lacks the scope `sessions:create`.";
    answer.assert_refused(403, "forbidden", message);
}
