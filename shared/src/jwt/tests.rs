use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures::FutureExt as _;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};

use super::*;

const USER: &str = "59ba1b0d-5c90-4158-a909-406c2e416788";
const NOW: Timestamp = Timestamp(1_795_000_000_000);
const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";

/// Signed by a key that was thrown away; ends in the year 2100.
const RSA_TOKEN: &str = concat!(
    "eyJhbGciOiJSUzI1NiIsImtpZCI6InJzYS0xIiwidHlwIjoiSldUIn0.eyJzdWIiOiI1OWJhMWIwZC01YzkwLTQx",
    "NTgtYTkwOS00MDZjMmU0MTY3ODgiLCJpc3MiOiJnc3MiLCJhdWQiOlsib3RoZXIiLCJnYW1lLXNlc3Npb24iXSwi",
    "aWF0IjoxMDAwMDAwMDAwLCJleHAiOjQxMDI0NDQ4MDAsImp0aSI6InJzYSIsInNjb3BlIjoic2Vzc2lvbnM6Y3Jl",
    "YXRlIn0.fc8YuQ-O6bH_j69eljCm-esOT_Scn_uQWOgpGwwNhs624MTrEXU-QmFUIARZj1Czlr17mBM91D7Rx6w5",
    "IKkLNxAxG60k6uSIwS1lAQtyTKtoYMLfvAQwz0tNaHdpO_utWX2g9nNDQd2wsFwTiZZfFcfDdaLq5vbv9YCB0Vnf",
    "NDJIA4xvhwui5or_mSWH7P_OmP6TqtiXcnyz7DEjgTIropAYFhI6_AGLTUU1OVVxvTkjEvde43bxalpq8M0hqcyw",
    "bquB1xeXogYxP9p4UoWQGcmcM8_FfzsjL1sgbPzKELwDSZtaTsKQgWK3Gqjxz7Bb3VfYhrxeYpBhQt12Rjj9tA",
);
/// Its modulus.
const RSA_N: &str = concat!(
    "lEaVFyA5saZN4ZJOq9N8gXowRktMYkaL4yuMcOxTubOwxrSlIq6odV2b-_6nZUlZ_Eo0OTvee3gmNJZuBj4NDP_G",
    "isSPuPtiDLfBOxILCB9EQDGo92ntIxKeHilFCA97APSiA9uRTOa2XWmJ2M92qcQDgptmBdeBXtv11kR6tbb8gb_p",
    "o5X_lw0qYg2GVuy9tPV4ByWOqkw40F_L72G3EXDBgf9YyM7KAiVvS2kJ0ug1fncOiMY34XiDohaT6o40vsCHpkFI",
    "pASxzE13cXXyB8e5JUBZTPPPvC3Bob9N1_lneQIBeuuDC8wgSLlFINQhPTNxyB72XqVYTqMHA5J9jQ",
);

fn claims() -> Claims {
    Claims {
        sub: USER.parse().expect("uuid"),
        exp: NOW.plus_ms(60_000),
        iat: Some(NOW),
        jti: Some("t1".to_owned()),
        scope: ["operator".to_owned(), "sessions:create".to_owned()].into(),
    }
}

fn file_verifier(jwks: &str) -> (Verifier, tempfile::NamedTempFile) {
    let file = tempfile::NamedTempFile::new().expect("file");
    std::fs::write(file.path(), jwks).expect("write");
    let jwks = Some(file.path().to_str().expect("path").to_owned());
    let auth = AuthSection { jwks, ..AuthSection::default() };
    (Verifier::from_config(&auth, None).expect("verifier"), file)
}

fn secret_verifier() -> Verifier {
    install();
    Verifier {
        issuer: "gss".to_owned(),
        audience: "game-session".to_owned(),
        leeway_ms: 30_000,
        secret: Some(DecodingKey::from_secret(SECRET)),
        keys: None,
    }
}

fn issuer(key: &SigningKey) -> Issuer {
    Issuer::ed25519(&key.kid, &key.private_pem, "gss", "game-session").expect("issuer")
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// A token with any header and body, HS256-signed with `secret`.
fn forge(header: &Value, body: &Value, secret: &[u8]) -> String {
    let message = format!("{}.{}", part(header), part(body));
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret);
    let tag = ring::hmac::sign(&key, message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag))
}

fn body(change: impl Fn(&mut serde_json::Map<String, Value>)) -> Value {
    let mut body = json!({
        "sub": USER, "iss": "gss", "aud": "game-session",
        "exp": NOW.0 / 1_000 + 60, "iat": NOW.0 / 1_000, "jti": "t1",
    });
    change(body.as_object_mut().expect("object"));
    body
}

async fn refusal(verifier: &Verifier, token: &str) -> String {
    verifier.verify(token, NOW).await.expect_err("refused").to_string()
}

#[tokio::test]
async fn an_issued_token_is_believed_as_issued() {
    let key = SigningKey::generate("k1");
    let (verifier, _file) = file_verifier(&key.jwks);
    let token = issuer(&key).issue(&claims()).expect("token");
    assert_eq!(verifier.verify(&token, NOW).await.expect("genuine"), claims());
    assert!(claims().permits("operator") && !claims().permits("service"));

    let hs = Issuer::hs256(SECRET, "gss", "game-session").issue(&claims()).expect("token");
    assert_eq!(secret_verifier().verify(&hs, NOW).await.expect("genuine"), claims());
    let refused = refusal(&verifier, &hs).await;
    assert_eq!(refused, "token is not valid: algorithm HS256 is not accepted");
}

#[tokio::test]
async fn es256_and_rs256_are_checked_by_their_keys() {
    let random = SystemRandom::new();
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random);
    let pkcs8 = pkcs8.expect("key");
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random);
    let pair = pair.expect("key");
    let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
    let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
    let jwks = json!({"keys": [
        {"kty": "quantum", "kid": "other"},
        {"kty": "EC", "crv": "P-256", "kid": "ec-1", "x": x, "y": y},
        {"kty": "RSA", "kid": "rsa-1", "use": "sig", "alg": "RS256", "n": RSA_N, "e": "AQAB"},
    ]});
    let (verifier, _file) = file_verifier(&jwks.to_string());

    let header = json!({"alg": "ES256", "kid": "ec-1"});
    let message = format!("{}.{}", part(&header), part(&body(|_| ())));
    let signature = pair.sign(&random, message.as_bytes()).expect("signature");
    let token = format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature));
    assert_eq!(verifier.verify(&token, NOW).await.expect("genuine").jti.as_deref(), Some("t1"));

    let rsa = verifier.verify(RSA_TOKEN, NOW).await.expect("genuine");
    assert_eq!(rsa.jti.as_deref(), Some("rsa"));
    assert!(rsa.permits("sessions:create"));
    let mut altered = RSA_TOKEN.to_owned();
    altered.replace_range(100..101, if &RSA_TOKEN[100..101] == "A" { "B" } else { "A" });
    assert!(verifier.verify(&altered, NOW).await.is_err());
}

#[tokio::test]
async fn a_token_cannot_choose_how_it_is_checked() {
    let jwks = json!({"keys": [
        {"kty": "RSA", "kid": "rsa-1", "n": RSA_N, "e": "AQAB"},
        {"kty": "oct", "kid": "oct-1", "k": URL_SAFE_NO_PAD.encode(SECRET)},
    ]})
    .to_string();
    let (mut verifier, _file) = file_verifier(&jwks);
    let none = format!("{}.{}.", part(&json!({"alg": "none"})), part(&body(|_| ())));
    assert!(refusal(&verifier, &none).await.starts_with("token is not valid: header:"));
    let hs = |kid: &str| json!({"alg": "HS256", "kid": kid});
    let modulus = URL_SAFE_NO_PAD.decode(RSA_N).expect("base64");
    for secret in [RSA_N.as_bytes(), &modulus, jwks.as_bytes()] {
        let token = forge(&hs("rsa-1"), &body(|_| ()), secret);
        let refused = refusal(&verifier, &token).await;
        assert_eq!(refused, "token is not valid: algorithm HS256 is not accepted");
    }
    verifier.secret = Some(DecodingKey::from_secret(b"another secret of thirty-two bytes"));
    let token = forge(&hs("rsa-1"), &body(|_| ()), &modulus);
    assert_eq!(refusal(&verifier, &token).await, "token is not valid: InvalidSignature");
    let token = forge(&hs("oct-1"), &body(|_| ()), SECRET);
    assert_eq!(refusal(&verifier, &token).await, "token is not valid: InvalidSignature");
    for alg in ["HS384", "HS512", "RS384", "PS256", "ES384"] {
        let token = forge(&json!({"alg": alg, "kid": "rsa-1"}), &body(|_| ()), SECRET);
        let expected = format!("token is not valid: algorithm {alg} is not accepted");
        assert_eq!(refusal(&verifier, &token).await, expected);
    }
    let token = forge(&json!({"alg": "RS256", "kid": "rsa-1"}), &body(|_| ()), &modulus);
    assert_eq!(refusal(&verifier, &token).await, "token is not valid: InvalidSignature");
}

#[tokio::test]
async fn claims_must_be_ours_and_in_time() {
    let verifier = secret_verifier();
    let hs = json!({"alg": "HS256"});
    let token = |change: fn(&mut serde_json::Map<String, Value>)| forge(&hs, &body(change), SECRET);
    let seconds = |offset: i64| NOW.0 / 1_000 + offset;
    let at = |key: &'static str, offset: i64| {
        forge(&hs, &body(|body| drop(body.insert(key.to_owned(), json!(seconds(offset))))), SECRET)
    };
    assert!(verifier.verify(&token(|_| ()), NOW).await.is_ok());
    assert!(verifier.verify(&at("exp", -29), NOW).await.is_ok());
    assert_eq!(refusal(&verifier, &at("exp", -30)).await, "token has expired");
    assert!(verifier.verify(&at("nbf", 30), NOW).await.is_ok());
    let refused = refusal(&verifier, &at("nbf", 31)).await;
    assert_eq!(refused, "token is not valid: not valid yet");
    for (token, why) in [
        (token(|body| drop(body.insert("aud".into(), json!("other")))), "InvalidAudience"),
        (token(|body| drop(body.insert("aud".into(), json!(["a", "b"])))), "InvalidAudience"),
        (token(|body| drop(body.insert("iss".into(), json!("evil")))), "InvalidIssuer"),
        (token(|body| drop(body.remove("aud"))), "Missing required claim: aud"),
        (token(|body| drop(body.remove("iss"))), "Missing required claim: iss"),
    ] {
        assert_eq!(refusal(&verifier, &token).await, format!("token is not valid: {why}"));
    }
    for token in [
        token(|body| drop(body.remove("exp"))),
        token(|body| drop(body.insert("exp".into(), json!("tomorrow")))),
        token(|body| drop(body.remove("sub"))),
        token(|body| drop(body.insert("sub".into(), json!("admin")))),
        forge(&json!({"alg": "HS256", "crit": ["b64"], "b64": false}), &body(|_| ()), SECRET),
        forge(&hs, &body(|body| drop(body.insert("x".into(), json!("x".repeat(9_000))))), SECRET),
        String::new(),
        "a.b".to_owned(),
        "a.b.c.d".to_owned(),
    ] {
        let refused = verifier.verify(&token, NOW).await;
        assert!(matches!(refused, Err(JwtError::Invalid(_))), "{token}: {refused:?}");
    }
}

#[tokio::test]
async fn the_key_must_be_the_one_the_token_names() {
    let (one, two) = (SigningKey::generate("one"), SigningKey::generate("two"));
    let (verifier, _file) = file_verifier(&one.jwks);
    let unknown = issuer(&two).issue(&claims()).expect("token");
    let expected = "token is not valid: no key of the issuer has its kid and algorithm";
    assert_eq!(refusal(&verifier, &unknown).await, expected);
    let impostor = SigningKey { kid: "one".to_owned(), ..two };
    let token = issuer(&impostor).issue(&claims()).expect("token");
    assert_eq!(refusal(&verifier, &token).await, "token is not valid: InvalidSignature");
}

#[tokio::test(start_paused = true)]
async fn a_changed_file_counts_within_a_second() {
    let (one, two) = (SigningKey::generate("one"), SigningKey::generate("two"));
    let (verifier, file) = file_verifier(&one.jwks);
    let old = issuer(&one).issue(&claims()).expect("token");
    let new = issuer(&two).issue(&claims()).expect("token");
    assert!(verifier.verify(&old, NOW).await.is_ok());
    std::fs::write(file.path(), &two.jwks).expect("write");
    tokio::time::advance(std::time::Duration::from_secs(1)).await;
    assert!(verifier.verify(&new, NOW).await.is_ok());
    assert!(verifier.verify(&old, NOW).await.is_err());
    std::fs::write(file.path(), "half a fi").expect("write");
    tokio::time::advance(std::time::Duration::from_secs(1)).await;
    assert!(verifier.verify(&new, NOW).await.is_ok(), "what was read stays");
}

fn url_verifier(
    answer: impl Fn(usize) -> Option<String> + Send + Sync + 'static,
) -> (Verifier, Arc<AtomicUsize>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&calls);
    let fetch: Fetch = Arc::new(move |url| {
        assert_eq!(url, "https://auth/jwks");
        let answer = answer(counter.fetch_add(1, Ordering::SeqCst));
        async move { answer.ok_or_else(|| "no route".into()) }.boxed()
    });
    let jwks = Some("https://auth/jwks".to_owned());
    let auth = AuthSection { jwks, ..AuthSection::default() };
    (Verifier::from_config(&auth, Some(fetch)).expect("verifier"), calls)
}

#[tokio::test(start_paused = true)]
async fn an_unknown_key_id_makes_one_fetch_a_minute() {
    let (one, two) = (SigningKey::generate("one"), SigningKey::generate("two"));
    let sets = [one.jwks.clone(), one.jwks.clone(), two.jwks.clone()];
    let (verifier, calls) = url_verifier(move |call| Some(sets[call.min(2)].clone()));
    let new = issuer(&two).issue(&claims()).expect("token");
    for _ in 0..10 {
        assert!(verifier.verify(&new, NOW).await.is_err());
    }
    assert_eq!(calls.load(Ordering::SeqCst), 2, "the first read and one for the unknown key");
    tokio::time::advance(std::time::Duration::from_secs(59)).await;
    assert!(verifier.verify(&new, NOW).await.is_err());
    assert_eq!(calls.load(Ordering::SeqCst), 2);
    tokio::time::advance(std::time::Duration::from_secs(1)).await;
    assert!(verifier.verify(&new, NOW).await.is_ok());
    assert_eq!(calls.load(Ordering::SeqCst), 3);
}

#[tokio::test(start_paused = true)]
async fn keys_stay_while_their_url_does_not_answer() {
    let key = SigningKey::generate("k1");
    let set = key.jwks.clone();
    let (verifier, calls) = url_verifier(move |call| (call == 1).then(|| set.clone()));
    let token = issuer(&key).issue(&claims()).expect("token");
    let first = verifier.verify(&token, NOW).await;
    assert!(first.is_ok(), "the second try for the missing key gets it: {first:?}");
    tokio::time::advance(std::time::Duration::from_secs(600)).await;
    assert!(verifier.verify(&token, NOW).await.is_ok());
    assert_eq!(calls.load(Ordering::SeqCst), 3);

    let (verifier, _) = url_verifier(|_| None);
    let refused = verifier.verify(&token, NOW).await;
    assert!(matches!(refused, Err(JwtError::KeysUnavailable)), "{refused:?}");
}
