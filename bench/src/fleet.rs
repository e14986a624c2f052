//! The tables and their players: sessions are created and joined over REST, then all connect.

use std::sync::Arc;

use anyhow::{Context, Result, bail};
use futures::{StreamExt, TryStreamExt, stream};
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};
use uuid::Uuid;

use crate::client::{self, CurrentLoad};
use crate::endpoints::Endpoints;
use crate::load::Load;

/// Tables that are set up at a time.
const AT_ONCE: usize = 8;

/// One table: a sender for each of its players.
pub(crate) struct Table {
    pub(crate) players: Vec<mpsc::Sender<String>>,
}

/// All tables, connected.
pub(crate) struct Fleet {
    pub(crate) tables: Vec<Table>,
    /// Names the run that receipts count for.
    pub(crate) current: watch::Sender<Option<Arc<Load>>>,
}

/// Creates `tables` sessions with `players` connected clients each, spread over the routers.
pub(crate) async fn assemble(
    endpoints: &Endpoints,
    tables: usize,
    players: usize,
) -> Result<Fleet> {
    let (current, seen) = watch::channel(None);
    let http = reqwest::Client::builder().build()?;
    let builds = (0..tables).map(|number| {
        let (http, seen) = (http.clone(), seen.clone());
        async move { table(endpoints, &http, number, players, seen).await }
    });
    let tables = stream::iter(builds).buffer_unordered(AT_ONCE).try_collect().await?;
    Ok(Fleet { tables, current })
}

async fn table(
    endpoints: &Endpoints,
    http: &reqwest::Client,
    number: usize,
    players: usize,
    current: CurrentLoad,
) -> Result<Table> {
    let router = &endpoints.routers[number % endpoints.routers.len()];
    let gm = token(endpoints, Uuid::new_v4())?;
    let body = json!({
        "campaign_id": Uuid::new_v4(),
        "name": format!("bench {number}"),
        "settings": {"max_players": 100, "limits": {"messages_per_minute": 60_000}},
    });
    let created = post(http, &format!("{}/api/v2/sessions", router.http), &gm, &body).await?;
    let session = created["session_id"].as_str().context("session_id")?.to_owned();
    let mut seats = vec![(gm, connection_token(&created)?)];
    for _ in 1..players {
        let jwt = token(endpoints, Uuid::new_v4())?;
        let url = format!("{}/api/v2/sessions/{session}/join", router.http);
        let joined = post(http, &url, &jwt, &json!({})).await?;
        let connection = connection_token(&joined)?;
        seats.push((jwt, connection));
    }
    let mut senders = Vec::new();
    for (seat, (jwt, connection)) in seats.into_iter().enumerate() {
        let router = &endpoints.routers[(number + seat) % endpoints.routers.len()];
        let url = format!("{}/api/v2/sessions/{session}/ws", router.ws);
        let headers = [("authorization", format!("Bearer {jwt}")), ("x-session-token", connection)];
        let mut socket = client::connect(&url, &headers).await?;
        client::established(&mut socket).await?;
        senders.push(client::spawn(socket, current.clone()));
    }
    Ok(Table { players: senders })
}

fn connection_token(answer: &Value) -> Result<String> {
    Ok(answer["connection_token"].as_str().context("connection_token")?.to_owned())
}

async fn post(http: &reqwest::Client, url: &str, jwt: &str, body: &Value) -> Result<Value> {
    let answer = http.post(url).bearer_auth(jwt).json(body).send().await?;
    let status = answer.status();
    let text = answer.text().await?;
    if !status.is_success() {
        bail!("{url}: {status} {text}");
    }
    serde_json::from_str(&text).context("a JSON answer")
}

fn token(endpoints: &Endpoints, user: Uuid) -> Result<String> {
    let jwt = &endpoints.jwt;
    let pem = std::fs::read(&jwt.private_key_pem_path).context("read the signing key")?;
    let claims = json!({
        "sub": user, "iss": jwt.issuer, "aud": jwt.audience, "jti": Uuid::new_v4(),
        "iat": gss_shared::clock::Clock::system().now().0 / 1_000,
        "exp": gss_shared::clock::Clock::system().now().0 / 1_000 + 36_000,
    });
    let header = jsonwebtoken::Header {
        kid: Some(jwt.kid.clone()),
        ..jsonwebtoken::Header::new(jsonwebtoken::Algorithm::EdDSA)
    };
    let key = jsonwebtoken::EncodingKey::from_ed_pem(&pem).context("an Ed25519 key")?;
    jsonwebtoken::encode(&header, &claims, &key).context("sign a token")
}
