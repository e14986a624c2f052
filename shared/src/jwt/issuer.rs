//! Issues tokens: for operators' tools and tests, not for the service itself.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use ring::rand::{SecureRandom as _, SystemRandom};
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde::Serialize;

use super::{Body, Claims, install};

/// What stands before the 32 bytes of an Ed25519 key in PKCS #8 (RFC 8410 section 7).
const PKCS8_V1: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

/// A new Ed25519 key: private as PEM (PKCS #8), public as a key set.
#[derive(Clone)]
pub struct SigningKey {
    /// Its name.
    pub kid: String,
    /// PKCS #8, PEM.
    pub private_pem: String,
    /// The JSON Web Key Set with its public half.
    pub jwks: String,
}

impl SigningKey {
    /// A random key.
    ///
    /// # Panics
    /// When the system has no random numbers.
    pub fn generate(kid: &str) -> Self {
        let mut seed = [0; 32];
        SystemRandom::new().fill(&mut seed).expect("the system has random numbers");
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).expect("32 bytes");
        // Version 1 of RFC 5958: other tools refuse the version with the public key in it.
        let pkcs8 = [PKCS8_V1.as_slice(), &seed].concat();
        let x = URL_SAFE_NO_PAD.encode(pair.public_key());
        let jwks = serde_json::json!({"keys": [
            {"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": kid, "x": x},
        ]});
        let body = STANDARD.encode(&pkcs8);
        let lines: Vec<&str> = body.as_bytes().chunks(64).map(text).collect();
        let private_pem = format!(
            "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
            lines.join("\n")
        );
        Self { kid: kid.to_owned(), private_pem, jwks: jwks.to_string() }
    }
}

fn text(ascii: &[u8]) -> &str {
    std::str::from_utf8(ascii).expect("base64 is ASCII")
}

/// Signs tokens as one issuer for one audience.
#[derive(Clone)]
pub struct Issuer {
    header: Header,
    key: EncodingKey,
    issuer: String,
    audience: String,
}

#[derive(Serialize)]
struct Issued<'a> {
    #[serde(flatten)]
    body: Body,
    iss: &'a str,
    aud: &'a str,
}

impl Issuer {
    /// Signs with an Ed25519 key, PKCS #8 in PEM.
    ///
    /// # Errors
    /// The text is no such key.
    pub fn ed25519(
        kid: &str,
        private_pem: &str,
        issuer: &str,
        audience: &str,
    ) -> Result<Self, jsonwebtoken::errors::Error> {
        install();
        let header = Header { kid: Some(kid.to_owned()), ..Header::new(Algorithm::EdDSA) };
        let key = EncodingKey::from_ed_pem(private_pem.as_bytes())?;
        Ok(Self { header, key, issuer: issuer.to_owned(), audience: audience.to_owned() })
    }

    /// Signs with a shared secret, HS256.
    pub fn hs256(secret: &[u8], issuer: &str, audience: &str) -> Self {
        install();
        let (header, key) = (Header::new(Algorithm::HS256), EncodingKey::from_secret(secret));
        Self { header, key, issuer: issuer.to_owned(), audience: audience.to_owned() }
    }

    /// A token with these claims.
    ///
    /// # Errors
    /// The key does not sign.
    pub fn issue(&self, claims: &Claims) -> Result<String, jsonwebtoken::errors::Error> {
        let seconds = |time: crate::time::Timestamp| (time.0 as f64 / 1_000.0).floor();
        let scope: Vec<&str> = claims.scope.iter().map(String::as_str).collect();
        let body = Body {
            sub: claims.sub,
            exp: seconds(claims.exp),
            iat: claims.iat.map(seconds),
            nbf: None,
            jti: claims.jti.clone(),
            scope: (!scope.is_empty()).then(|| scope.join(" ")),
        };
        let issued = Issued { body, iss: &self.issuer, aud: &self.audience };
        jsonwebtoken::encode(&self.header, &issued, &self.key)
    }
}
