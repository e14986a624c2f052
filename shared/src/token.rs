//! Session tokens: opens one connection of one player to one session.
//!
//! A compact JWT, HS256 under the cluster's session-token key. Tokens of one connection and its
//! resumptions form a chain; using one spends all earlier ones of its chain.

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::ids::{PlayerId, SessionId};
use crate::limits;
use crate::time::Timestamp;

/// What a session token says.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TokenClaims {
    /// The session it opens.
    pub session: SessionId,
    /// The player it was issued to.
    pub player: PlayerId,
    /// The player's join generation; leaving or being kicked ends it.
    pub generation: u64,
    /// Which connection and its resumptions.
    pub chain: Uuid,
    /// Order in its chain: issue time in milliseconds.
    pub issued_ms: i64,
    /// Whether it resumes a connection (such upgrades do not count against the address).
    pub resume: bool,
}

#[derive(Serialize, Deserialize)]
struct Body {
    #[serde(flatten)]
    claims: TokenClaims,
    exp: i64,
    aud: String,
}

const AUDIENCE: &str = "gss-session-token";

/// Why a session token was refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TokenError {
    /// Not ours, or altered.
    #[error("session token is not valid")]
    Invalid,
    /// Older than [`limits::SESSION_TOKEN_SECONDS`].
    #[error("session token has expired")]
    Expired,
}

/// Signs and checks session tokens.
#[derive(Clone)]
pub struct SessionTokens {
    signing: EncodingKey,
    checking: DecodingKey,
}

impl SessionTokens {
    /// `key`: at least 32 random bytes that all routers of the cluster share.
    pub fn new(key: &[u8]) -> Self {
        crate::jwt::install();
        Self { signing: EncodingKey::from_secret(key), checking: DecodingKey::from_secret(key) }
    }

    /// A token that is good for [`limits::SESSION_TOKEN_SECONDS`] from `claims.issued_ms`.
    ///
    /// # Errors
    /// Only when the crypto provider is not installed.
    pub fn issue(&self, claims: TokenClaims) -> Result<String, jsonwebtoken::errors::Error> {
        let exp = claims.issued_ms / 1_000 + limits::SESSION_TOKEN_SECONDS;
        let body = Body { claims, exp, aud: AUDIENCE.to_owned() };
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &body, &self.signing)
    }

    /// The claims of a genuine token that has not expired at `now`.
    ///
    /// # Errors
    /// [`TokenError::Invalid`] or [`TokenError::Expired`].
    pub fn check(&self, token: &str, now: Timestamp) -> Result<TokenClaims, TokenError> {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_audience(&[AUDIENCE]);
        validation.validate_exp = false;
        let body = jsonwebtoken::decode::<Body>(token, &self.checking, &validation)
            .map_err(|_| TokenError::Invalid)?
            .claims;
        if now.0 / 1_000 > body.exp {
            return Err(TokenError::Expired);
        }
        Ok(body.claims)
    }
}
