//! Who calls: the JWT of the Auth Service, and the session token that opens a connection.
//!
//! Tokens come in headers only: `Authorization: Bearer` and `X-Session-Token`, or for browsers,
//! which cannot set headers of an upgrade, in `Sec-WebSocket-Protocol`. Never in a URL. What is
//! said of a bad token does not depend on why it is bad, except that it has expired.

use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use gss_shared::clock::Clock;
use gss_shared::error_code::{ClientError, ErrorCode};
use gss_shared::ids::{PlayerId, SessionId};
use gss_shared::jwt::{Claims, JwtError, Verifier};
use gss_shared::time::Timestamp;
use gss_shared::token::{SessionTokens, TokenClaims, TokenError};
use hyper::HeaderMap;
use hyper::header::{self, HeaderName};

use crate::switchboard::{Credential, RefreshAuth, Switchboard};

/// The subprotocol that the service speaks.
pub(crate) const SUBPROTOCOL: &str = "gss.v2";
const JWT_PREFIX: &str = "gss.jwt.";
const SESSION_PREFIX: &str = "gss.session.";

/// Tokens of a request, unchecked. Never logged.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Credentials<'a> {
    /// Of the Auth Service.
    pub(crate) jwt: Option<&'a str>,
    /// Ours.
    pub(crate) session: Option<&'a str>,
    /// The client offered [`SUBPROTOCOL`] and expects it in the answer.
    pub(crate) subprotocol: bool,
}

fn unauthenticated(message: &str) -> ClientError {
    ClientError::new(ErrorCode::Unauthenticated, message)
}

/// The text of a header that may be given once; a second one is refused, since two readers could
/// choose differently.
fn once(headers: &HeaderMap, name: HeaderName) -> Result<Option<&str>, ClientError> {
    let mut values = headers.get_all(&name).iter();
    let (Some(value), more) = (values.next(), values.next()) else { return Ok(None) };
    if more.is_some() {
        return Err(unauthenticated("Credentials must be given once."));
    }
    value.to_str().map(Some).map_err(|_| unauthenticated("Credentials must be ASCII."))
}

impl<'a> Credentials<'a> {
    /// Of a REST call.
    pub(crate) fn of_call(headers: &'a HeaderMap) -> Result<Self, ClientError> {
        let jwt = match once(headers, header::AUTHORIZATION)? {
            None => None,
            Some(text) => Some(bearer(text)?),
        };
        Ok(Self { jwt, ..Self::default() })
    }

    /// Of an upgrade: headers, or the browser's form; not both.
    pub(crate) fn of_upgrade(headers: &'a HeaderMap) -> Result<Self, ClientError> {
        let mut found = Self::of_call(headers)?;
        found.session = once(headers, HeaderName::from_static("x-session-token"))?;
        let offers = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter();
        for offer in offers.filter_map(|value| value.to_str().ok()).flat_map(|v| v.split(',')) {
            let offer = offer.trim();
            let slot = if let Some(jwt) = offer.strip_prefix(JWT_PREFIX) {
                (&mut found.jwt, jwt)
            } else if let Some(token) = offer.strip_prefix(SESSION_PREFIX) {
                (&mut found.session, token)
            } else {
                found.subprotocol |= offer == SUBPROTOCOL;
                continue;
            };
            if slot.0.replace(slot.1).is_some() {
                return Err(unauthenticated("Credentials must be given once."));
            }
        }
        Ok(found)
    }
}

fn bearer(text: &str) -> Result<&str, ClientError> {
    let refused = || unauthenticated("`Authorization` must be `Bearer` and a token.");
    let (scheme, token) = text.split_once(' ').ok_or_else(refused)?;
    let token = token.trim_start_matches(' ');
    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() || token.contains(' ') {
        return Err(refused());
    }
    Ok(token)
}

/// The user that a JWT proves.
///
/// # Errors
/// `unauthenticated`, `token_expired`; `unavailable` when its keys cannot be had.
pub(crate) async fn user(
    verifier: &Verifier,
    jwt: Option<&str>,
    now: Timestamp,
) -> Result<Claims, ClientError> {
    let jwt = jwt.ok_or_else(|| unauthenticated("A bearer token is required."))?;
    verifier.verify(jwt, now).await.map_err(|error| match error {
        JwtError::Expired => {
            ClientError::new(ErrorCode::TokenExpired, "The bearer token has expired.")
        }
        JwtError::Invalid(_) => {
            tracing::debug!(%error, "bearer token refused");
            unauthenticated("The bearer token is not valid.")
        }
        JwtError::KeysUnavailable => {
            tracing::warn!(%error, "bearer tokens cannot be checked");
            ClientError::new(ErrorCode::Unavailable, "Bearer tokens cannot be checked now.")
                .with("retry_after_ms", 1_000)
        }
    })
}

/// What of a JWT a connection lives by.
pub(crate) fn credential(user: &Claims) -> Credential {
    Credential {
        expires_at: user.exp,
        // A token that does not say when is as old as can be: any revocation of its user covers it.
        issued_at: user.iat.unwrap_or(Timestamp(i64::MIN)),
        jti: user.jti.clone(),
    }
}

/// Refuses a JWT that the Auth Service took back.
///
/// # Errors
/// `unauthenticated`.
pub(crate) fn not_revoked(switchboard: &Switchboard, user: &Claims) -> Result<(), ClientError> {
    if switchboard.revoked(user.sub, &credential(user)) {
        return Err(unauthenticated("The bearer token is not valid."));
    }
    Ok(())
}

/// Checks the JWTs that clients send on open connections.
pub(crate) struct Refresher {
    pub(crate) verifier: Arc<Verifier>,
    pub(crate) switchboard: Switchboard,
    pub(crate) clock: Clock,
}

impl RefreshAuth for Refresher {
    fn refresh(
        &self,
        player: PlayerId,
        jwt: String,
    ) -> BoxFuture<'static, Result<Credential, ClientError>> {
        let (verifier, switchboard) = (Arc::clone(&self.verifier), self.switchboard.clone());
        let now = self.clock.now();
        async move {
            let user = user(&verifier, Some(&jwt), now).await?;
            not_revoked(&switchboard, &user)?;
            if user.sub != player {
                let message = "The bearer token is of another user.";
                return Err(ClientError::new(ErrorCode::Forbidden, message));
            }
            Ok(credential(&user))
        }
        .boxed()
    }
}

/// The session token of an upgrade, which must be of this user and this session.
///
/// # Errors
/// `unauthenticated`, `token_expired`, `forbidden`.
pub(crate) fn session(
    tokens: &SessionTokens,
    token: Option<&str>,
    user: &Claims,
    session: SessionId,
    now: Timestamp,
) -> Result<TokenClaims, ClientError> {
    let token = token.ok_or_else(|| unauthenticated("A session token is required."))?;
    let claims = tokens.check(token, now).map_err(|error| match error {
        TokenError::Invalid => unauthenticated("The session token is not valid."),
        TokenError::Expired => {
            ClientError::new(ErrorCode::TokenExpired, "The session token has expired.")
        }
    })?;
    if claims.session != session {
        let message = "The session token is of another session.";
        return Err(ClientError::new(ErrorCode::Forbidden, message));
    }
    if claims.player != user.sub {
        let message = "The session token is of another user.";
        return Err(ClientError::new(ErrorCode::Forbidden, message));
    }
    Ok(claims)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().expect("value"));
        }
        headers
    }

    fn read(
        pairs: &[(&'static str, &str)],
    ) -> Result<(Option<String>, Option<String>, bool), String> {
        let headers = headers(pairs);
        let found = Credentials::of_upgrade(&headers).map_err(|error| error.to_string())?;
        Ok((found.jwt.map(str::to_owned), found.session.map(str::to_owned), found.subprotocol))
    }

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn credentials_come_in_headers() {
        let found = read(&[("authorization", "bearer  a.b.c"), ("x-session-token", "t")]);
        assert_eq!(found, Ok((some("a.b.c"), some("t"), false)));
        assert_eq!(read(&[]), Ok((None, None, false)));
    }

    #[test]
    fn browsers_use_the_subprotocol() {
        let form = "gss.v2, gss.jwt.a.b.c, gss.session.t";
        let found = read(&[("sec-websocket-protocol", form)]);
        assert_eq!(found, Ok((some("a.b.c"), some("t"), true)));
        let found = read(&[
            ("sec-websocket-protocol", "gss.session.t"),
            ("sec-websocket-protocol", "gss.jwt.a.b.c,gss.v2"),
        ]);
        assert_eq!(found, Ok((some("a.b.c"), some("t"), true)));
    }

    #[test]
    fn two_of_a_kind_are_refused() {
        let twice = Err("unauthenticated: Credentials must be given once.".to_owned());
        assert_eq!(read(&[("authorization", "Bearer a"), ("authorization", "Bearer b")]), twice);
        assert_eq!(read(&[("x-session-token", "a"), ("x-session-token", "a")]), twice);
        let mixed = [("authorization", "Bearer a"), ("sec-websocket-protocol", "gss.jwt.b")];
        assert_eq!(read(&mixed), twice);
        assert_eq!(read(&[("sec-websocket-protocol", "gss.jwt.b, gss.jwt.b")]), twice);
    }

    #[test]
    fn other_schemes_are_refused() {
        let refused =
            Err("unauthenticated: `Authorization` must be `Bearer` and a token.".to_owned());
        for value in ["Basic dTpw", "Bearer", "Bearer ", "a.b.c", "Bearer a b"] {
            assert_eq!(read(&[("authorization", value)]), refused, "{value}");
        }
    }
}
