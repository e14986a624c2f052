//! Rate limits as clients meet them.

use gss_shared::config::Cidr;

use super::harness::{Router, alice, ws_path};

#[tokio::test]
async fn connection_attempts_count_against_the_address() {
    let router = Router::start().await;
    for left in (0..10).rev() {
        let answer = router.upgrade(&ws_path(), &[]).await;
        answer.assert_refused(401, "unauthenticated", "A bearer token is required.");
        assert_eq!(answer.headers["ratelimit-limit"], "10");
        assert_eq!(answer.headers["ratelimit-remaining"], left.to_string());
        assert_eq!(answer.headers["ratelimit-policy"], "10;w=60");
    }
    let answer = router.upgrade(&ws_path(), &[router.bearer()]).await;
    answer.assert_refused(429, "rate_limited", "Too many requests; wait and retry.");
    assert_eq!(answer.headers["ratelimit-remaining"], "0");
    let retry_ms = answer.refusal().3["retry_after_ms"].as_u64().expect("retry_after_ms");
    // A period, and the slice of it in which the first attempt was counted.
    assert!((59_000..=64_000).contains(&retry_ms), "{retry_ms}");
    let seconds = retry_ms.div_ceil(1_000).to_string();
    assert_eq!(answer.headers["retry-after"], seconds);
    assert_eq!(answer.headers["ratelimit-reset"], seconds);
}

#[tokio::test]
async fn resumptions_with_a_valid_token_do_not() {
    let router = Router::start().await;
    let token = format!("X-Session-Token: {}", router.token(alice(), 0, true));
    for _ in 0..12 {
        let answer = router.upgrade(&ws_path(), &[router.bearer(), token.clone()]).await;
        assert_eq!(answer.status, 101);
    }
    let forged = format!("{token}x");
    let answer = router.upgrade(&ws_path(), &[router.bearer(), forged]).await;
    assert_eq!(answer.headers["ratelimit-limit"], "10", "a forged one counts as any attempt");
    assert_eq!(answer.headers["ratelimit-remaining"], "9");
}

#[tokio::test]
async fn proxies_are_believed_only_when_trusted() {
    let forwarded = |n: u8| format!("X-Forwarded-For: 198.51.100.{n}");
    let remaining = async |router: &Router, n: u8| {
        let answer = router.upgrade(&ws_path(), &[forwarded(n)]).await;
        answer.headers["ratelimit-remaining"].clone()
    };
    let router = Router::start().await;
    assert_eq!(remaining(&router, 1).await, "9");
    assert_eq!(remaining(&router, 2).await, "8");
    let trusting = Router::start_with(|config, _| {
        let loopback: Cidr = "127.0.0.0/8".parse().expect("range");
        config.router.trusted_proxies = vec![loopback];
    });
    let router = trusting.await;
    assert_eq!(remaining(&router, 1).await, "9");
    assert_eq!(remaining(&router, 2).await, "9");
    assert_eq!(remaining(&router, 1).await, "8");
}

#[tokio::test]
async fn bodies_at_fault_do_not_count_as_creations() {
    let router = Router::start_with(|config, _| {
        config.limits.session_creations_per_hour = 1;
    });
    let router = router.await;
    for _ in 0..2 {
        let answer = router.call("POST /api/v2/sessions", "{}").await;
        answer.assert_refused(400, "invalid_argument", "`campaign_id` is required.");
    }
}
