//! One HTTP request from its head to its answer: routing, authentication, the call, the error
//! body, the access log.
//!
//! Holds what all requests share; nothing in it changes but `draining`. Tokens, queries and bodies
//! never reach a log.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use gss_shared::clock::Clock;
use gss_shared::error_code::{ClientError, ErrorCode};
use gss_shared::jwt::Verifier;
use gss_shared::ports::journal::Journal;
use gss_shared::token::SessionTokens;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Request, Response};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::admission::Door;
use crate::auth::{self, Credentials};
use crate::http_metrics::HttpMetrics;
use crate::rest::reply::{insert_text, refusal};
use crate::rest::{self, Endpoint, Exchange, Found, Routes};
use crate::server::Peer;
use crate::session_limits::SessionLimits;
use crate::switchboard::Switchboard;
use crate::upgrade;
use crate::urls::Urls;

/// What requests share.
pub(crate) struct Gateway {
    pub(crate) switchboard: Switchboard,
    pub(crate) verifier: Arc<Verifier>,
    pub(crate) tokens: SessionTokens,
    pub(crate) door: Door,
    pub(crate) session_limits: SessionLimits,
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) clock: Clock,
    pub(crate) metrics: HttpMetrics,
    pub(crate) routes: Routes,
    pub(crate) urls: Urls,
    pub(crate) trusted_proxies: Vec<gss_shared::config::Cidr>,
    pub(crate) require_create_scope: bool,
    /// Milliseconds that a command may take.
    pub(crate) command_budget_ms: u64,
    pub(crate) started: Instant,
    /// No new WebSockets: clients shall go elsewhere.
    pub(crate) draining: AtomicBool,
    /// Upgraded connections.
    pub(crate) websockets: TaskTracker,
}

/// A call's answer under way.
type Answered = Result<Response<Full<Bytes>>, ClientError>;

impl Gateway {
    /// Answers one request. Never fails: refusals are answers.
    pub(crate) async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
        peer: Peer,
    ) -> Result<Response<Full<Bytes>>, Infallible> {
        let arrived = Instant::now();
        let request_id = Uuid::now_v7().simple().to_string();
        let method = request.method().clone();
        let found = self.routes.find(&method, request.uri().path());
        let route = match &found {
            Found::Call { template, .. } | Found::OtherMethods { template, .. } => *template,
            Found::Nothing => "none",
        };
        let mut headers = HeaderMap::new();
        let answered = match check_framing(request.headers()) {
            Ok(()) => self.route(found, request, &peer, &mut headers).await,
            Err(error) => Err(error),
        };
        let mut response = match answered {
            Ok(response) => response,
            Err(error) => refusal(&error, &request_id),
        };
        finish(response.headers_mut(), headers, &request_id);
        if peer.overflow {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        let (status, took) = (response.status(), arrived.elapsed());
        let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.metrics.answered(route, &method, status, took);
        tracing::debug!(
            %request_id, %method, route, status = status.as_u16(), took_us,
            "answered"
        );
        Ok(response)
    }

    async fn route(
        self: &Arc<Self>,
        found: Found,
        request: Request<Incoming>,
        peer: &Peer,
        headers: &mut HeaderMap,
    ) -> Answered {
        if peer.overflow {
            return Err(ClientError::new(
                ErrorCode::Unavailable,
                "The router holds as many connections as it may.",
            )
            .with("effect", "none")
            .with("retry_after_ms", 1_000));
        }
        let (endpoint, session, player) = match found {
            Found::Call { endpoint, session, player, .. } => (endpoint, session, player),
            Found::OtherMethods { allowed, .. } => {
                insert_text(headers, header::ALLOW, &allowed);
                let message = "The path has no such method.";
                let allowed: Vec<&str> = allowed.split(", ").collect();
                return Err(ClientError::new(ErrorCode::NotFound, message).with("allowed", allowed));
            }
            Found::Nothing => {
                return Err(ClientError::new(ErrorCode::NotFound, "There is no such path."));
            }
        };
        match endpoint {
            Endpoint::Health => Ok(rest::health(self)?.into_response()),
            Endpoint::Connect => {
                let path = session.unwrap_or_default();
                let answered = upgrade::upgrade(self, request, peer, &path, headers).await;
                let outcome = answered.as_ref().map_or_else(|e| e.code.as_str(), |_| "upgraded");
                self.metrics.upgrade(outcome);
                answered
            }
            _ => {
                let (parts, body) = request.into_parts();
                let user = self.user(&parts.headers).await?;
                let mut exchange = Exchange {
                    gateway: self,
                    user,
                    parts: &parts,
                    body: Some(body),
                    session,
                    player,
                    headers,
                };
                Ok(rest::answer(endpoint, &mut exchange).await?.into_response())
            }
        }
    }

    async fn user(&self, headers: &HeaderMap) -> Result<gss_shared::jwt::Claims, ClientError> {
        let credentials = Credentials::of_call(headers)?;
        let user = auth::user(&self.verifier, credentials.jwt, self.clock.now()).await?;
        auth::not_revoked(&self.switchboard, &user)?;
        Ok(user)
    }

    /// From now on upgrades are refused `draining`.
    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }
}

/// A request whose end two readers could see in different places is refused.
fn check_framing(headers: &HeaderMap) -> Result<(), ClientError> {
    let lengths = headers.get_all(header::CONTENT_LENGTH).iter().count();
    let chunked = headers.contains_key(header::TRANSFER_ENCODING);
    if lengths > 1 || (lengths == 1 && chunked) || headers.get_all(header::HOST).iter().count() > 1
    {
        return Err(ClientError::new(
            ErrorCode::InvalidArgument,
            "The request's length or host is ambiguous.",
        ));
    }
    Ok(())
}

/// Headers that every answer has.
fn finish(of_answer: &mut HeaderMap, more: HeaderMap, request_id: &str) {
    of_answer.extend(more);
    let fixed = |text: &'static str| HeaderValue::from_static(text);
    let caching =
        if of_answer.contains_key(header::ETAG) { "private, no-cache" } else { "no-store" };
    of_answer.entry(header::CACHE_CONTROL).or_insert(fixed(caching));
    of_answer.insert(header::X_CONTENT_TYPE_OPTIONS, fixed("nosniff"));
    insert_text(of_answer, HeaderName::from_static("x-request-id"), request_id);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ambiguous_lengths_are_refused() {
        let mut headers = HeaderMap::new();
        headers.insert("content-length", fixed("4"));
        assert_eq!(check_framing(&headers), Ok(()));
        headers.insert("transfer-encoding", fixed("chunked"));
        let error = check_framing(&headers).expect_err("both");
        assert_eq!(error.code, ErrorCode::InvalidArgument);
        headers.remove("transfer-encoding");
        headers.append("content-length", fixed("4"));
        assert!(check_framing(&headers).is_err());
    }

    fn fixed(text: &'static str) -> HeaderValue {
        HeaderValue::from_static(text)
    }
}
