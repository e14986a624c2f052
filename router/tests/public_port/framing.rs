//! Paths, methods, heads, and requests that two readers could read differently.

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::harness::{Router, exchange};

#[tokio::test]
async fn unknown_paths_and_methods_are_not_found() {
    let router = Router::start().await;
    for path in ["/", "/api/v2", "/api/v2/sessions/", "/api/v1/session/sessions", "//health"] {
        let answer = router.send(&format!("GET {path}"), &[], "").await;
        answer.assert_refused(404, "not_found", "There is no such path.");
    }
    let answer = router.call("PUT /api/v2/sessions", "{}").await;
    answer.assert_refused(404, "not_found", "The path has no such method.");
    assert_eq!(answer.headers["allow"], "GET, POST");
    assert_eq!(answer.refusal().3, json!({"allowed": ["GET", "POST"]}));
}

#[tokio::test]
async fn health_is_for_anyone() {
    let router = Router::start().await;
    let answer = router.send("GET /health", &[], "").await;
    let body = answer.json();
    assert_eq!(answer.status, 200);
    assert_eq!(body["status"], "degraded", "no node is in reach");
    assert_eq!(body["service"], "game-session");
    assert_eq!(body["uptime_seconds"], 0);
    let head = router.send("HEAD /health", &[], "").await;
    assert_eq!((head.status, head.body.as_str()), (200, ""));
}

#[tokio::test]
async fn a_request_of_two_lengths_ends_its_connection() {
    let router = Router::start().await;
    let smuggled = "GET /health HTTP/1.1\r\nHost: h\r\n\r\n";
    for head in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5, 6\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
    ] {
        let mut stream = router.connect().await;
        let text =
            format!("POST /api/v2/sessions HTTP/1.1\r\nHost: h\r\n{head}\r\n0\r\n\r\n{smuggled}");
        stream.write_all(text.as_bytes()).await.expect("write");
        let mut all = String::new();
        stream.read_to_string(&mut all).await.expect("read");
        assert!(!all.contains("game-session"), "{head}: {all}");
        let status = all.split(' ').nth(1).map(str::to_owned);
        assert!(matches!(status.as_deref(), Some("400" | "401")), "{head}: {all}");
    }
}

#[tokio::test]
async fn heads_are_bounded() {
    let router = Router::start().await;
    let text = format!("GET /health HTTP/1.1\r\nHost: h\r\nX: {}\r\n\r\n", "x".repeat(20 << 10));
    let answer = exchange(router.connect().await, text.as_bytes()).await;
    assert_eq!(answer.status, 431);
    let lines = "X: y\r\n".repeat(65);
    let text = format!("GET /health HTTP/1.1\r\nHost: h\r\n{lines}\r\n");
    let answer = exchange(router.connect().await, text.as_bytes()).await;
    assert_eq!(answer.status, 431);
}
