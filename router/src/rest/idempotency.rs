//! Ids derived from `Idempotency-Key`: the same call under the same key is the same action, on
//! whatever router it arrives.
//!
//! Derived with SHA-256: nobody can construct a key whose ids meet those of another user.

use gss_shared::error_code::{ClientError, ErrorCode};
use gss_shared::ids::{ActionId, PlayerId, SessionId};
use hyper::{HeaderMap, Method};
use uuid::Uuid;

/// Characters of a key.
const KEY_CHARACTERS: usize = 255;

/// A caller's key, if it sent one.
#[derive(Clone, Debug)]
pub(crate) struct Key(Option<String>);

impl Key {
    /// From the header; it must be 1–255 printable ASCII characters, once.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, ClientError> {
        let mut values = headers.get_all("idempotency-key").iter();
        let (Some(value), more) = (values.next(), values.next()) else { return Ok(Self(None)) };
        let text = value.to_str().unwrap_or_default();
        let fits = (1..=KEY_CHARACTERS).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
        if !fits || more.is_some() {
            return Err(ClientError::new(
                ErrorCode::InvalidArgument,
                "`Idempotency-Key` must be 1 to 255 printable ASCII characters, once.",
            )
            .with("member", "Idempotency-Key"));
        }
        Ok(Self(Some(text.to_owned())))
    }

    /// The action's id: derived from the key, or random.
    pub(crate) fn action(&self, user: PlayerId, method: &Method, path: &str) -> ActionId {
        match &self.0 {
            Some(key) => {
                ActionId(derived(&["action", &user.to_string(), method.as_str(), path, key]))
            }
            None => ActionId(Uuid::new_v4()),
        }
    }

    /// The id of a session to create: derived from the key, or random.
    pub(crate) fn session(&self, user: PlayerId) -> SessionId {
        match &self.0 {
            Some(key) => SessionId(derived(&["session", &user.to_string(), key])),
            None => SessionId(Uuid::new_v4()),
        }
    }
}

fn derived(parts: &[&str]) -> Uuid {
    let mut digest = ring::digest::Context::new(&ring::digest::SHA256);
    for part in parts {
        digest.update(&(part.len() as u64).to_be_bytes());
        digest.update(part.as_bytes());
    }
    let digest = digest.finish();
    let (bytes, _) = digest.as_ref().split_first_chunk::<16>().expect("a digest has 32 bytes");
    uuid::Builder::from_random_bytes(*bytes).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(values: &[&str]) -> Result<Key, ClientError> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append("idempotency-key", value.parse().expect("value"));
        }
        Key::of(&headers)
    }

    #[test]
    fn ids_are_a_function_of_user_call_and_key() {
        let (alice, bob) = (PlayerId(Uuid::from_u128(1)), PlayerId(Uuid::from_u128(2)));
        let one = key(&["k1"]).expect("key");
        let action = one.action(alice, &Method::POST, "/a");
        assert_eq!(action, key(&["k1"]).expect("key").action(alice, &Method::POST, "/a"));
        let others = [
            one.action(bob, &Method::POST, "/a"),
            one.action(alice, &Method::PUT, "/a"),
            one.action(alice, &Method::POST, "/b"),
            key(&["k2"]).expect("key").action(alice, &Method::POST, "/a"),
        ];
        assert!(others.iter().all(|other| *other != action));
        assert_eq!(one.session(alice), key(&["k1"]).expect("key").session(alice));
        assert_ne!(one.session(alice), one.session(bob));
        assert_ne!(one.session(alice).0, action.0);
    }

    #[test]
    fn without_a_key_ids_are_random() {
        let none = key(&[]).expect("none");
        let alice = PlayerId(Uuid::from_u128(1));
        assert_ne!(none.session(alice), none.session(alice));
    }

    #[test]
    fn bad_keys_are_refused() {
        let long = "x".repeat(256);
        for values in [&["a", "b"][..], &[""], &["a\tb"], &[&long]] {
            let error = key(values).expect_err("bad key");
            assert_eq!(error.code, ErrorCode::InvalidArgument, "{values:?}");
        }
    }
}
