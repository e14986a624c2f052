//! Which path and method is which call.

use gss_shared::error_code::{ClientError, ErrorCode};
use hyper::Method;

/// A call of the public port.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Endpoint {
    CreateSession,
    ListSessions,
    ReadSession,
    UpdateSession,
    DeleteSession,
    Join,
    Leave,
    Invite,
    ListPlayers,
    ReadPlayer,
    UpdatePlayer,
    Kick,
    SaveState,
    LoadState,
    ReadCombat,
    ListStates,
    Rollback,
    Pause,
    Resume,
    End,
    ListEvents,
    Act,
    /// The WebSocket upgrade.
    Connect,
    /// The only call without a token.
    Health,
}

/// Methods that calls use; HEAD is GET without the body.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Verb {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Verb {
    fn of(method: &Method) -> Option<Self> {
        Some(match *method {
            Method::GET | Method::HEAD => Self::Get,
            Method::POST => Self::Post,
            Method::PUT => Self::Put,
            Method::PATCH => Self::Patch,
            Method::DELETE => Self::Delete,
            _ => return None,
        })
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

struct Route {
    template: &'static str,
    calls: &'static [(Verb, Endpoint)],
}

const fn route(template: &'static str, calls: &'static [(Verb, Endpoint)]) -> Route {
    Route { template, calls }
}

/// REST v2 and the WebSocket (PROTOCOL sections 3 and 4).
const V2: &[Route] = &[
    route(
        "/api/v2/sessions",
        &[(Verb::Get, Endpoint::ListSessions), (Verb::Post, Endpoint::CreateSession)],
    ),
    route(
        "/api/v2/sessions/{session_id}",
        &[
            (Verb::Get, Endpoint::ReadSession),
            (Verb::Patch, Endpoint::UpdateSession),
            (Verb::Delete, Endpoint::DeleteSession),
        ],
    ),
    route("/api/v2/sessions/{session_id}/ws", &[(Verb::Get, Endpoint::Connect)]),
    route("/api/v2/sessions/{session_id}/join", &[(Verb::Post, Endpoint::Join)]),
    route("/api/v2/sessions/{session_id}/leave", &[(Verb::Post, Endpoint::Leave)]),
    route(
        "/api/v2/sessions/{session_id}/state",
        &[(Verb::Get, Endpoint::LoadState), (Verb::Post, Endpoint::SaveState)],
    ),
    route("/api/v2/sessions/{session_id}/combat", &[(Verb::Get, Endpoint::ReadCombat)]),
    route("/api/v2/sessions/{session_id}/states", &[(Verb::Get, Endpoint::ListStates)]),
    route("/api/v2/sessions/{session_id}/rollback", &[(Verb::Post, Endpoint::Rollback)]),
    route("/api/v2/sessions/{session_id}/events", &[(Verb::Get, Endpoint::ListEvents)]),
    route("/api/v2/sessions/{session_id}/pause", &[(Verb::Post, Endpoint::Pause)]),
    route("/api/v2/sessions/{session_id}/resume", &[(Verb::Post, Endpoint::Resume)]),
    route("/api/v2/sessions/{session_id}/end", &[(Verb::Post, Endpoint::End)]),
    route("/api/v2/sessions/{session_id}/invites", &[(Verb::Post, Endpoint::Invite)]),
    route("/api/v2/sessions/{session_id}/players", &[(Verb::Get, Endpoint::ListPlayers)]),
    route(
        "/api/v2/sessions/{session_id}/players/{player_id}",
        &[
            (Verb::Get, Endpoint::ReadPlayer),
            (Verb::Put, Endpoint::UpdatePlayer),
            (Verb::Delete, Endpoint::Kick),
        ],
    ),
    route("/api/v2/sessions/{session_id}/actions", &[(Verb::Post, Endpoint::Act)]),
];

/// Calls beside the versioned APIs.
const PLAIN: &[Route] = &[route("/health", &[(Verb::Get, Endpoint::Health)])];

/// Every group of routes. A further API is a further group.
const GROUPS: &[&[Route]] = &[V2, PLAIN];

/// The table, ready for look-ups.
pub(crate) struct Routes(matchit::Router<&'static Route>);

/// What a path and method name.
#[derive(PartialEq, Eq, Debug)]
pub(crate) enum Found {
    /// A call.
    Call {
        /// For metrics and logs.
        template: &'static str,
        endpoint: Endpoint,
        /// As the path has it.
        session: Option<String>,
        /// As the path has it.
        player: Option<String>,
    },
    /// The path has other methods, comma separated.
    OtherMethods { template: &'static str, allowed: String },
    /// No such path.
    Nothing,
}

impl Routes {
    /// The table of [`GROUPS`].
    pub(crate) fn new() -> Self {
        let mut router = matchit::Router::new();
        for route in GROUPS.iter().copied().flatten() {
            router.insert(route.template, route).expect("templates do not collide");
        }
        Self(router)
    }

    /// What is called.
    pub(crate) fn find(&self, method: &Method, path: &str) -> Found {
        let Ok(found) = self.0.at(path) else { return Found::Nothing };
        let Route { template, calls } = *found.value;
        let verb = Verb::of(method);
        let Some((_, endpoint)) = calls.iter().find(|(known, _)| Some(*known) == verb) else {
            let allowed: Vec<_> = calls.iter().map(|(verb, _)| verb.as_str()).collect();
            return Found::OtherMethods { template, allowed: allowed.join(", ") };
        };
        let parameter = |name: &str| found.params.get(name).map(str::to_owned);
        Found::Call {
            template,
            endpoint: *endpoint,
            session: parameter("session_id"),
            player: parameter("player_id"),
        }
    }
}

/// Refusal of a path or method that names no call.
pub(crate) fn not_found() -> ClientError {
    ClientError::new(ErrorCode::NotFound, "There is no such call.")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "47eaa099-2cb6-416d-86dc-283cf0480ff9";

    #[test]
    fn paths_and_methods_name_calls() {
        let routes = Routes::new();
        let found = routes.find(&Method::PUT, &format!("/api/v2/sessions/{ID}/players/x"));
        let expected = Found::Call {
            template: "/api/v2/sessions/{session_id}/players/{player_id}",
            endpoint: Endpoint::UpdatePlayer,
            session: Some(ID.to_owned()),
            player: Some("x".to_owned()),
        };
        assert_eq!(found, expected);
        let head = routes.find(&Method::HEAD, "/health");
        assert!(matches!(head, Found::Call { endpoint: Endpoint::Health, .. }), "{head:?}");
        for path in ["/", "/api/v2/sessions/", "/api/v2/sessions//join", "/API/v2/sessions", "*"] {
            assert_eq!(routes.find(&Method::GET, path), Found::Nothing, "{path}");
        }
    }

    #[test]
    fn another_method_is_told_which_there_are() {
        let found = Routes::new().find(&Method::TRACE, "/api/v2/sessions");
        let expected =
            Found::OtherMethods { template: "/api/v2/sessions", allowed: "GET, POST".to_owned() };
        assert_eq!(found, expected);
    }
}
