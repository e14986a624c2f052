//! JSON Web Tokens of the Auth Service: who a caller is.
//!
//! Invariant: a token is believed only under a key that was configured for exactly the algorithm
//! the token names (EdDSA, ES256, RS256 by the JWKS, HS256 by its own secret): a public key is
//! never used as a secret. Tokens and keys never reach a log. Time is an argument.

mod issuer;
mod jwks;
mod keys;
mod provider;

use std::collections::BTreeSet;

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::{Deserialize, Serialize};

use crate::config::{AuthSection, Config, ConfigError};
use crate::ids::PlayerId;
use crate::time::Timestamp;

pub use issuer::{Issuer, SigningKey};
pub use keys::Fetch;
pub use provider::install;

/// Longest token, bytes.
pub const TOKEN_BYTES: usize = 8_192;

/// What a genuine token says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Claims {
    /// The user.
    pub sub: PlayerId,
    /// When the token ends.
    pub exp: Timestamp,
    /// When it was issued.
    pub iat: Option<Timestamp>,
    /// Its name, for revocation.
    pub jti: Option<String>,
    /// What it permits.
    pub scope: BTreeSet<String>,
}

impl Claims {
    /// Whether the token's scope holds this word.
    pub fn permits(&self, scope: &str) -> bool {
        self.scope.contains(scope)
    }
}

/// The claims as they stand in the token. Times are seconds.
#[derive(Serialize, Deserialize)]
struct Body {
    sub: PlayerId,
    exp: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    iat: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nbf: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    jti: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
}

/// Why a token was refused.
#[derive(Debug, thiserror::Error)]
pub enum JwtError {
    /// Not issued for us, altered, or not yet valid; why is for our log only.
    #[error("token is not valid: {0}")]
    Invalid(String),
    /// Genuine, and its time is over.
    #[error("token has expired")]
    Expired,
    /// No key set could be read yet: the caller may try again.
    #[error("keys of the issuer are unavailable")]
    KeysUnavailable,
}

fn invalid<T>(why: impl Into<String>) -> Result<T, JwtError> {
    Err(JwtError::Invalid(why.into()))
}

/// Checks tokens.
pub struct Verifier {
    issuer: String,
    audience: String,
    leeway_ms: i64,
    secret: Option<DecodingKey>,
    keys: Option<keys::KeySet>,
}

impl Verifier {
    /// A verifier as configured. `fetch` is needed when `auth.jwks` is a URL.
    ///
    /// # Errors
    /// [`ConfigError`] when the HS256 secret cannot be read, or `fetch` is missing.
    pub fn from_config(auth: &AuthSection, fetch: Option<Fetch>) -> Result<Self, ConfigError> {
        install();
        let secret = match &auth.hs256_secret_file {
            Some(path) => Some(Config::read_key("auth.hs256_secret_file", path)?),
            None => None,
        };
        let keys = match auth.jwks.as_deref() {
            None => None,
            Some(url) if url.starts_with("https://") || url.starts_with("http://") => {
                let fetch = fetch.ok_or_else(|| ConfigError::Rule {
                    key: "auth.jwks",
                    value: url.to_owned(),
                    rule: "this process reads keys from files only".to_owned(),
                })?;
                Some(keys::KeySet::from_url(url, fetch))
            }
            Some(path) => Some(keys::KeySet::from_file(path)),
        };
        Ok(Self {
            issuer: auth.issuer.clone(),
            audience: auth.audience.clone(),
            leeway_ms: i64::try_from(auth.leeway_seconds).unwrap_or(0) * 1_000,
            secret: secret.map(|secret| DecodingKey::from_secret(&secret)),
            keys,
        })
    }

    /// The claims of a genuine token that is valid at `now`.
    ///
    /// # Errors
    /// [`JwtError`].
    pub async fn verify(&self, token: &str, now: Timestamp) -> Result<Claims, JwtError> {
        if token.len() > TOKEN_BYTES {
            return invalid("longer than 8 KiB");
        }
        let header = jsonwebtoken::decode_header(token)
            .map_err(|error| JwtError::Invalid(format!("header: {error}")))?;
        if header.crit.is_some() {
            return invalid("it has critical extensions");
        }
        let body = match (header.alg, &self.secret, &self.keys) {
            (Algorithm::HS256, Some(secret), _) => self.open(token, Algorithm::HS256, secret)?,
            (alg @ (Algorithm::EdDSA | Algorithm::ES256 | Algorithm::RS256), _, Some(keys)) => {
                let candidates = keys.find(alg, header.kid.as_deref()).await?;
                self.open_with_any(token, alg, &candidates)?
            }
            (alg, _, _) => return invalid(format!("algorithm {alg:?} is not accepted")),
        };
        self.check_times(&body, now)?;
        let scope = body.scope.as_deref().unwrap_or_default();
        Ok(Claims {
            sub: body.sub,
            exp: from_seconds(body.exp),
            iat: body.iat.map(from_seconds),
            jti: body.jti,
            scope: scope.split_ascii_whitespace().map(str::to_owned).collect(),
        })
    }

    fn open_with_any(
        &self,
        token: &str,
        alg: Algorithm,
        candidates: &[DecodingKey],
    ) -> Result<Body, JwtError> {
        let mut last =
            JwtError::Invalid("no key of the issuer has its kid and algorithm".to_owned());
        for key in candidates {
            match self.open(token, alg, key) {
                Ok(body) => return Ok(body),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn open(&self, token: &str, alg: Algorithm, key: &DecodingKey) -> Result<Body, JwtError> {
        let mut validation = Validation::new(alg);
        validation.set_required_spec_claims(&["iss", "aud"]);
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&[&self.audience]);
        validation.validate_exp = false;
        let decoded = jsonwebtoken::decode::<Body>(token, key, &validation);
        decoded.map(|data| data.claims).map_err(|error| JwtError::Invalid(error.to_string()))
    }

    fn check_times(&self, body: &Body, now: Timestamp) -> Result<(), JwtError> {
        if !body.exp.is_finite() || body.nbf.is_some_and(|nbf| !nbf.is_finite()) {
            return invalid("a time is no number");
        }
        if now >= from_seconds(body.exp).plus_ms(self.leeway_ms) {
            return Err(JwtError::Expired);
        }
        match body.nbf {
            Some(nbf) if now.plus_ms(self.leeway_ms) < from_seconds(nbf) => {
                invalid("not valid yet")
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// Saturates, as a cast does.
fn from_seconds(seconds: f64) -> Timestamp {
    Timestamp((seconds * 1_000.0) as i64)
}

#[cfg(test)]
mod tests;
