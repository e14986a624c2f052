//! The WebSocket handshake.

use super::harness::{Router, SESSION, alice, ws_path};

const POSITION: &str = "AQAAAAAAAAGrR-qgmSy2QW2G3Cg88EgP-Q";

#[tokio::test]
async fn headers_or_the_browser_s_subprotocol_open_a_connection() {
    let router = Router::start().await;
    let token = router.token(alice(), 0, false);
    let lines = [router.bearer(), format!("X-Session-Token: {token}")];
    let answer = router.upgrade(&ws_path(), &lines).await;
    assert_eq!(answer.status, 101);
    assert_eq!(answer.headers["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    assert!(!answer.headers.contains_key("sec-websocket-protocol"));

    let jwt = router.jwt(600);
    let offer = format!("Sec-WebSocket-Protocol: gss.v2, gss.jwt.{jwt}, gss.session.{token}");
    let answer = router.upgrade(&ws_path(), &[offer]).await;
    assert_eq!(answer.status, 101);
    assert_eq!(answer.headers["sec-websocket-protocol"], "gss.v2");
    assert!(!format!("{:?}", answer.headers).contains(&token));
}

#[tokio::test]
async fn a_position_is_one_that_the_service_gave() {
    let router = Router::start().await;
    let token = format!("X-Session-Token: {}", router.token(alice(), 0, true));
    let lines = vec![router.bearer(), token];
    for (path, header, status) in [
        (format!("{}?position={POSITION}", ws_path()), None, 101),
        (ws_path(), Some(POSITION), 101),
        (format!("{}?position=427", ws_path()), None, 400),
        (ws_path(), Some("!"), 400),
        (format!("{}?position={POSITION}", ws_path()), Some(POSITION), 400),
    ] {
        let mut lines = lines.clone();
        lines.extend(header.map(|value| format!("X-Position: {value}")));
        let answer = router.upgrade(&path, &lines).await;
        assert_eq!(answer.status, status, "{path} {header:?}");
        if status == 400 {
            let message = "The position is none that this service gave.";
            answer.assert_refused(400, "invalid_argument", message);
        }
    }
}

#[tokio::test]
async fn what_is_no_handshake_stays_http() {
    let router = Router::start().await;
    let answer = router.call(&format!("GET {}", ws_path()), "").await;
    answer.assert_refused(400, "invalid_argument", "This path takes WebSocket upgrades only.");
    assert_eq!(answer.headers["upgrade"], "websocket");
    let answer = router.call(&format!("POST /api/v2/sessions/{SESSION}/ws"), "{}").await;
    assert_eq!((answer.status, answer.headers["allow"].as_str()), (404, "GET"));
}

#[tokio::test]
async fn a_draining_router_sends_clients_elsewhere() {
    let router = Router::start_with(|config, _| config.router.drain_seconds = 1).await;
    router.handle.drain().await;
    let token = format!("X-Session-Token: {}", router.token(alice(), 0, false));
    let answer = router.upgrade(&ws_path(), &[router.bearer(), token]).await;
    answer.assert_refused(503, "draining", "The router is leaving; try another.");
    assert_eq!(answer.refusal().3, serde_json::json!({"effect": "none"}));
    assert_eq!(router.call("GET /api/v2/sessions", "").await.status, 200, "REST is served on");
}
