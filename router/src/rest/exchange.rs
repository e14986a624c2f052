//! One call under way: what it came with, and the ways to answer it.

use std::time::Duration;

use gss_shared::error_code::{ClientError, ErrorCode};
use gss_shared::ids::{ActionId, PlayerId, SessionId};
use gss_shared::jwt::Claims;
use gss_shared::link::frame::{CommandBody, ReadAnswer, ReadKind};
use gss_shared::rest_command::RestCommand;
use hyper::body::Incoming;
use hyper::http::request::Parts;
use hyper::{HeaderMap, StatusCode};
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::body::{self, Bound};
use super::fields::Fields;
use super::idempotency::Key;
use super::query::Query;
use super::reply::Reply;
use super::routes::not_found;
use crate::admission::Counted;
use crate::gateway::Gateway;
use crate::session_limits::OwnLimits;
use crate::switchboard::{Accepted, Call};

/// Time that the owner has to tell a session's own limits: the call itself still has to be made.
const OWN_LIMITS_TIME: Duration = Duration::from_secs(1);

/// An authenticated call.
pub(crate) struct Exchange<'a> {
    pub(crate) gateway: &'a Gateway,
    pub(crate) user: Claims,
    pub(crate) parts: &'a Parts,
    pub(crate) body: Option<Incoming>,
    /// As the path has them.
    pub(crate) session: Option<String>,
    pub(crate) player: Option<String>,
    /// Headers of the answer, whatever it will be.
    pub(crate) headers: &'a mut HeaderMap,
}

impl Exchange<'_> {
    /// Who calls.
    pub(crate) fn caller(&self) -> PlayerId {
        self.user.sub
    }

    /// The session in the path. Text that is no id names no session.
    pub(crate) fn session(&self) -> Result<SessionId, ClientError> {
        super::session_id(self.session.as_deref().unwrap_or_default())
    }

    /// The player in the path.
    pub(crate) fn player(&self) -> Result<PlayerId, ClientError> {
        let id = self.player.as_deref().and_then(super::uuid);
        id.map(PlayerId).ok_or_else(not_found)
    }

    /// The parameters of the query.
    pub(crate) fn query(&self) -> Query {
        Query::of(self.parts.uri.query())
    }

    /// The body of a command, which must be an object.
    pub(crate) async fn fields(&mut self) -> Result<Fields, ClientError> {
        self.fields_within(Bound::COMMAND).await
    }

    /// The body, with another bound.
    pub(crate) async fn fields_within(&mut self, bound: Bound) -> Result<Fields, ClientError> {
        let bytes = self.bytes(bound).await?;
        Fields::of(body::parse(bytes).await?)
    }

    /// The body of a command that may be left out.
    pub(crate) async fn optional_fields(&mut self) -> Result<Fields, ClientError> {
        let bytes = self.bytes(Bound::COMMAND).await?;
        let value =
            if bytes.is_empty() { Value::Object(Map::new()) } else { body::parse(bytes).await? };
        Fields::of(value)
    }

    /// The bytes of the body.
    pub(crate) async fn bytes(&mut self, bound: Bound) -> Result<bytes::Bytes, ClientError> {
        body::check_type(&self.parts.headers)?;
        match self.body.take() {
            Some(body) => body::read(body, bound).await,
            None => Ok(bytes::Bytes::new()),
        }
    }

    /// The call's `Idempotency-Key`.
    pub(crate) fn key(&self) -> Result<Key, ClientError> {
        Key::of(&self.parts.headers)
    }

    /// The id of the action that this call stands for.
    pub(crate) fn action(&self) -> Result<ActionId, ClientError> {
        Ok(self.key()?.action(self.caller(), &self.parts.method, self.parts.uri.path()))
    }

    /// Counts the call.
    pub(crate) async fn count(&mut self, counted: Counted) -> Result<(), ClientError> {
        let own = match counted {
            Counted::Save(session) | Counted::Join(session) | Counted::Combat(session, _) => {
                self.own_limits(session).await
            }
            Counted::Create(_) | Counted::Connect(_) | Counted::Resume(_) => OwnLimits::default(),
        };
        self.gateway.door.admit(counted, own, self.headers).await
    }

    /// Limits that the session's settings give. A session that does not tell has none: the
    /// command that is counted will hear why.
    async fn own_limits(&self, session: SessionId) -> OwnLimits {
        let now = Instant::now();
        if let Some(known) = self.gateway.session_limits.get(session, now) {
            return known;
        }
        let asked = self.read(session, ReadKind::Limits);
        let Ok(Ok(answer)) = tokio::time::timeout(OWN_LIMITS_TIME, asked).await else {
            return OwnLimits::default();
        };
        let own = serde_json::from_str(&answer.json).unwrap_or_else(|error| {
            tracing::error!(%session, %error, "an owner's limits cannot be read");
            OwnLimits::default()
        });
        self.gateway.session_limits.put(session, own, now);
        own
    }

    /// Brings a command to the session's owner and waits until it is durable.
    pub(crate) async fn command(
        &self,
        session: SessionId,
        action: ActionId,
        command: &RestCommand,
        view: Option<ReadKind>,
    ) -> Result<Accepted, ClientError> {
        let command = encode(command)?;
        let accepted = self.bring(session, CommandBody::Rest { action, command }, view).await?;
        accepted.ok_or_else(|| {
            tracing::error!(%session, %action, "a REST command left no trace");
            ClientError::new(ErrorCode::Internal, "The command was not answered.")
        })
    }

    /// Brings any body to the session's owner. None: passed on without a trace.
    pub(crate) async fn bring(
        &self,
        session: SessionId,
        body: CommandBody,
        view: Option<ReadKind>,
    ) -> Result<Option<Accepted>, ClientError> {
        let call = Call {
            session,
            player: self.caller(),
            body,
            view,
            budget: Duration::from_millis(self.gateway.command_budget_ms),
        };
        self.gateway.switchboard.command(call).await
    }

    /// What the caller may see of a session.
    pub(crate) async fn read(
        &self,
        session: SessionId,
        kind: ReadKind,
    ) -> Result<ReadAnswer, ClientError> {
        self.gateway.switchboard.read(session, self.caller(), kind).await
    }

    /// The view that came with an acceptance; read now, if none did.
    pub(crate) async fn view(
        &self,
        session: SessionId,
        accepted: &Accepted,
        kind: ReadKind,
    ) -> Result<Map<String, Value>, ClientError> {
        match &accepted.view {
            Some(json) => decode(json),
            None => decode(&self.read(session, kind).await?.json),
        }
    }

    /// A session as `GET …/{id}` shows it, from the owner's view of it.
    pub(crate) fn session_reply(
        &self,
        session: SessionId,
        mut view: Map<String, Value>,
    ) -> Result<Reply, ClientError> {
        let version = view.get("version").and_then(Value::as_str).and_then(super::version);
        view.insert("websocket_url".to_owned(), self.gateway.urls.websocket(session).into());
        let reply = Reply::value(StatusCode::OK, &view)?;
        Ok(match version {
            Some(version) => reply.tagged(version),
            None => reply,
        })
    }
}

/// The reply to a read whose JSON needs nothing added.
pub(crate) fn read_reply(answer: ReadAnswer) -> Result<Reply, ClientError> {
    if !answer.stale {
        return Ok(Reply::json(StatusCode::OK, answer.json));
    }
    Reply::value(StatusCode::OK, &marked(&answer)?)
}

/// The members of a read; `stale` says that the journal did not answer.
pub(crate) fn marked(answer: &ReadAnswer) -> Result<Map<String, Value>, ClientError> {
    let mut view = decode(&answer.json)?;
    if answer.stale {
        view.insert("stale".to_owned(), true.into());
    }
    Ok(view)
}

/// Refusal of a session that one may not know of.
pub(crate) fn session_not_found() -> ClientError {
    ClientError::new(ErrorCode::SessionNotFound, "There is no such session.")
}

fn encode(command: &RestCommand) -> Result<String, ClientError> {
    serde_json::to_string(command).map_err(|error| {
        tracing::error!(%error, "cannot encode a command");
        ClientError::new(ErrorCode::Internal, "The command could not be sent.")
    })
}

fn decode(json: &str) -> Result<Map<String, Value>, ClientError> {
    serde_json::from_str(json).map_err(|error| {
        tracing::error!(%error, "an owner's view is no object");
        ClientError::new(ErrorCode::Internal, "The answer could not be read.")
    })
}
