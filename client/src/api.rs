//! REST calls, version 2.

mod bodies;

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Method, RequestBuilder, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::command::Command;
use crate::error::Refusal;
use crate::frame::Ack;
use crate::options::JwtSource;

pub use bodies::{EventsQuery, Invite, Joined, ListQuery, LoadedState, Made, Saved};

/// Longest time of one call.
const CALL: Duration = Duration::from_secs(15);

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The service refused.
    #[error("status {status}: {refusal}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// What it said.
        #[source]
        refusal: Refusal,
    },
    /// The answer is not one of the service.
    #[error("unexpected answer with status {status}: {body}")]
    Unexpected {
        /// HTTP status.
        status: u16,
        /// The beginning of its body.
        body: String,
    },
    /// The call did not get through; its effect is unknown.
    #[error("the service cannot be reached")]
    Transport(#[from] reqwest::Error),
    /// The source of JWTs failed.
    #[error("no token: {0}")]
    NoToken(String),
}

impl ApiError {
    /// The refusal's code, if it is a refusal.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused { refusal, .. } => Some(&refusal.code),
            Self::Unexpected { .. } | Self::Transport(_) | Self::NoToken(_) => None,
        }
    }

    /// The HTTP status, if there was an answer.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { status, .. } | Self::Unexpected { status, .. } => Some(*status),
            Self::Transport(_) | Self::NoToken(_) => None,
        }
    }
}

#[derive(Deserialize)]
struct ErrorBody {
    error: Refusal,
}

/// Calls as one user.
#[derive(Clone, Debug)]
pub struct Api {
    http: reqwest::Client,
    base: String,
    jwt: JwtSource,
}

impl Api {
    /// Calls `base` (`http(s)://host:port`). `tls`: settings other than the system's authorities,
    /// from [`gss_shared::tls::public_client`].
    ///
    /// # Errors
    /// The system's authorities cannot be used.
    pub fn new(
        base: &str,
        jwt: JwtSource,
        tls: Option<Arc<rustls::ClientConfig>>,
    ) -> Result<Self, gss_shared::tls::TlsError> {
        let tls = match tls {
            Some(tls) => tls,
            None => gss_shared::tls::public_client(None)?,
        };
        let http = reqwest::Client::builder()
            .use_preconfigured_tls(tls.as_ref().clone())
            .timeout(CALL)
            .tcp_nodelay(true)
            .no_proxy()
            .build()
            .expect("settings without a system resource");
        Ok(Self { http, base: base.trim_end_matches('/').to_owned(), jwt })
    }

    /// The same service as another user, over the same connections.
    #[must_use]
    pub fn as_user(&self, jwt: JwtSource) -> Self {
        Self { http: self.http.clone(), base: self.base.clone(), jwt }
    }

    /// Creates a session; the caller is its GM.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn create(
        &self,
        campaign: Uuid,
        name: &str,
        settings: Value,
    ) -> Result<Made, ApiError> {
        self.create_once(Uuid::new_v4(), campaign, name, settings).await
    }

    /// As [`Api::create`], under this idempotency key: repeating it gives the same session.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn create_once(
        &self,
        key: Uuid,
        campaign: Uuid,
        name: &str,
        settings: Value,
    ) -> Result<Made, ApiError> {
        let body = json!({"campaign_id": campaign, "name": name, "settings": settings});
        let request = self.request(Method::POST, "/sessions").await?;
        self.done(request.header("Idempotency-Key", key.to_string()).json(&body)).await
    }

    /// Joins, or adds a character. `body`: `{character_id?, role?, invite_code?}`.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn join(&self, session: Uuid, body: Value) -> Result<Joined, ApiError> {
        self.post(session, "join", &body).await
    }

    /// Leaves, wholly or with one character.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn leave(&self, session: Uuid, character: Option<Uuid>) -> Result<(), ApiError> {
        let body = character.map_or_else(|| json!({}), |id| json!({"character_id": id}));
        let request = self.keyed(session, "/leave").await?;
        self.done_without_body(request.json(&body)).await
    }

    /// A session as its members see it.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn get(&self, session: Uuid) -> Result<Value, ApiError> {
        self.read(session, "").await
    }

    /// One page of sessions: `{items, next_cursor}`.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn list(&self, query: &ListQuery) -> Result<Value, ApiError> {
        let request = self.request(Method::GET, "/sessions").await?;
        self.done(request.query(query)).await
    }

    /// Changes name and settings; only at `version`, if given.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn update(
        &self,
        session: Uuid,
        changes: &Value,
        version: Option<u64>,
    ) -> Result<Value, ApiError> {
        let request = self.at(Method::PATCH, session, "").await?;
        self.done(if_match(request, version).json(changes)).await
    }

    /// Ends and deletes the session; only at `version`, if given.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn delete(&self, session: Uuid, version: Option<u64>) -> Result<(), ApiError> {
        let request = self.at(Method::DELETE, session, "").await?;
        self.done_without_body(if_match(request, version)).await
    }

    /// Replaces the document.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn save_state(
        &self,
        session: Uuid,
        state: Value,
        metadata: Value,
    ) -> Result<Saved, ApiError> {
        self.post(session, "state", &json!({"state": state, "metadata": metadata})).await
    }

    /// The document as the caller sees it.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn load_state(&self, session: Uuid) -> Result<LoadedState, ApiError> {
        self.read(session, "/state").await
    }

    /// Versions that were saved: one page.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn saved_states(
        &self,
        session: Uuid,
        cursor: Option<&str>,
    ) -> Result<Value, ApiError> {
        let request = self.at(Method::GET, session, "/states").await?;
        self.done(request.query(&[("cursor", cursor)])).await
    }

    /// The audit trail: one page.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn events(&self, session: Uuid, query: &EventsQuery) -> Result<Value, ApiError> {
        let request = self.at(Method::GET, session, "/events").await?;
        self.done(request.query(&query.pairs())).await
    }

    /// Document and combat as of a version.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn rollback(&self, session: Uuid, to_version: u64) -> Result<Value, ApiError> {
        self.post(session, "rollback", &json!({"to_version": to_version.to_string()})).await
    }

    /// Pauses the session.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn pause(&self, session: Uuid) -> Result<Value, ApiError> {
        self.post(session, "pause", &json!({})).await
    }

    /// Goes on.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn resume(&self, session: Uuid) -> Result<Value, ApiError> {
        self.post(session, "resume", &json!({})).await
    }

    /// Ends the session for good.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn end(&self, session: Uuid) -> Result<Value, ApiError> {
        self.post(session, "end", &json!({})).await
    }

    /// Makes an invite. `body`: `{role?, uses?, expires_in_seconds?}`.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn invite(&self, session: Uuid, body: &Value) -> Result<Invite, ApiError> {
        self.post(session, "invites", body).await
    }

    /// Members: one page.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn players(&self, session: Uuid, cursor: Option<&str>) -> Result<Value, ApiError> {
        let request = self.at(Method::GET, session, "/players").await?;
        self.done(request.query(&[("cursor", cursor)])).await
    }

    /// One member.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn player(&self, session: Uuid, player: Uuid) -> Result<Value, ApiError> {
        self.read(session, &format!("/players/{player}")).await
    }

    /// Changes a member. `body`: `{role?, characters?, banned?, reason?}`. Null when a ban was lifted
    /// from somebody who is no member.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn update_player(
        &self,
        session: Uuid,
        player: Uuid,
        body: &Value,
    ) -> Result<Value, ApiError> {
        let request = self.at(Method::PUT, session, &format!("/players/{player}")).await?;
        self.done(request.json(body)).await
    }

    /// Removes a member, who may join again.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn kick(&self, session: Uuid, player: Uuid) -> Result<(), ApiError> {
        let request = self.at(Method::DELETE, session, &format!("/players/{player}")).await?;
        self.done_without_body(request).await
    }

    /// The running fight.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn combat(&self, session: Uuid) -> Result<Value, ApiError> {
        self.read(session, "/combat").await
    }

    /// Any command, answered when it is durable.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn act(&self, session: Uuid, command: &Command) -> Result<Ack, ApiError> {
        let request = self.at(Method::POST, session, "/actions").await?;
        let request = request.header("Content-Type", "application/json").body(command.frame());
        let data: serde_json::Map<String, Value> = self.done(request).await?;
        crate::frame::ack(&data).ok_or_else(|| ApiError::Unexpected {
            status: 200,
            body: "no acknowledgement".to_owned(),
        })
    }

    async fn request(&self, method: Method, path: &str) -> Result<RequestBuilder, ApiError> {
        let jwt = self.jwt.get().await.map_err(ApiError::NoToken)?;
        Ok(self.http.request(method, format!("{}/api/v2{path}", self.base)).bearer_auth(jwt))
    }

    async fn at(
        &self,
        method: Method,
        session: Uuid,
        path: &str,
    ) -> Result<RequestBuilder, ApiError> {
        self.request(method, &format!("/sessions/{session}{path}")).await
    }

    async fn keyed(&self, session: Uuid, path: &str) -> Result<RequestBuilder, ApiError> {
        let request = self.at(Method::POST, session, path).await?;
        Ok(request.header("Idempotency-Key", Uuid::new_v4().to_string()))
    }

    async fn post<T: DeserializeOwned>(
        &self,
        session: Uuid,
        call: &str,
        body: &Value,
    ) -> Result<T, ApiError> {
        self.done(self.keyed(session, &format!("/{call}")).await?.json(body)).await
    }

    async fn read<T: DeserializeOwned>(&self, session: Uuid, path: &str) -> Result<T, ApiError> {
        self.done(self.at(Method::GET, session, path).await?).await
    }

    async fn done<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, ApiError> {
        let (status, bytes) = succeed(request).await?;
        let nothing = status == StatusCode::NO_CONTENT;
        serde_json::from_slice(if nothing { b"null" } else { &bytes })
            .map_err(|_| unexpected(status, &bytes))
    }

    async fn done_without_body(&self, request: RequestBuilder) -> Result<(), ApiError> {
        succeed(request).await.map(|_| ())
    }
}

async fn succeed(request: RequestBuilder) -> Result<(StatusCode, bytes::Bytes), ApiError> {
    let response = request.send().await?;
    let (status, bytes) = (response.status(), response.bytes().await?);
    if status.is_success() {
        return Ok((status, bytes));
    }
    Err(match serde_json::from_slice::<ErrorBody>(&bytes) {
        Ok(body) => ApiError::Refused { status: status.as_u16(), refusal: body.error },
        Err(_) => unexpected(status, &bytes),
    })
}

fn unexpected(status: StatusCode, bytes: &[u8]) -> ApiError {
    let body = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).into_owned();
    ApiError::Unexpected { status: status.as_u16(), body }
}

fn if_match(request: RequestBuilder, version: Option<u64>) -> RequestBuilder {
    match version {
        Some(version) => request.header("If-Match", format!("\"{version}\"")),
        None => request,
    }
}
