//! A JSON Web Key Set as far as we use it: public signature keys of three kinds, each for exactly
//! one algorithm. Everything else in it is skipped, as RFC 7517 section 5 asks.

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};

/// One usable key.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) kid: Option<String>,
    pub(super) alg: Algorithm,
    pub(super) key: DecodingKey,
}

#[derive(serde::Deserialize)]
struct Set {
    keys: Vec<serde_json::Value>,
}

/// The usable keys of a set.
///
/// # Errors
/// The text is no key set.
pub(super) fn parse(text: &str) -> Result<Vec<Key>, serde_json::Error> {
    let set: Set = serde_json::from_str(text)?;
    let keys = set.keys.into_iter().filter_map(|key| usable(serde_json::from_value(key).ok()?));
    Ok(keys.collect())
}

fn usable(jwk: Jwk) -> Option<Key> {
    let (alg, named) = match &jwk.algorithm {
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
            (Algorithm::EdDSA, KeyAlgorithm::EdDSA)
        }
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => {
            (Algorithm::ES256, KeyAlgorithm::ES256)
        }
        AlgorithmParameters::RSA(_) => (Algorithm::RS256, KeyAlgorithm::RS256),
        _ => return None,
    };
    let for_signatures = matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature));
    let for_alg = jwk.common.key_algorithm.is_none_or(|alg| alg == named);
    if !for_signatures || !for_alg {
        return None;
    }
    let key = DecodingKey::from_jwk(&jwk).ok()?;
    Some(Key { kid: jwk.common.key_id, alg, key })
}
