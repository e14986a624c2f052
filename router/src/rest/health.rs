//! `GET /health`: that the service answers, for anyone.

use gss_shared::error_code::ClientError;
use hyper::StatusCode;
use serde_json::json;

use super::reply::Reply;
use crate::gateway::Gateway;

/// `GET /health`. `degraded`: no owner is in reach now.
pub(crate) fn health(gateway: &Gateway) -> Result<Reply, ClientError> {
    let status = if gateway.switchboard.ready() { "healthy" } else { "degraded" };
    let body = json!({
        "status": status,
        "service": "game-session",
        "version": env!("CARGO_PKG_VERSION"),
        "timestamp": gateway.clock.now(),
        "uptime_seconds": gateway.started.elapsed().as_secs(),
    });
    Reply::value(StatusCode::OK, &body)
}
