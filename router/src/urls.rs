//! Addresses that the service hands out, made from `router.public_url`.

use gss_shared::ids::SessionId;

/// The public base, as `http(s)://host[:port]` and as `ws(s)://host[:port]`.
#[derive(Clone, Debug)]
pub(crate) struct Urls {
    http: String,
    ws: String,
}

impl Urls {
    /// From a checked `router.public_url`.
    pub(crate) fn new(public_url: &str) -> Self {
        let http = public_url.trim_end_matches('/').to_owned();
        // `http` becomes `ws` and `https` becomes `wss`.
        let ws = format!("ws{}", http.strip_prefix("http").unwrap_or(&http));
        Self { http, ws }
    }

    /// Where the session's WebSocket is.
    pub(crate) fn websocket(&self, session: SessionId) -> String {
        format!("{}/api/v2/sessions/{session}/ws", self.ws)
    }

    /// The link that invites people; the code is in the fragment, which no server sees.
    pub(crate) fn join(&self, session: SessionId, code: &str) -> String {
        format!("{}/join/{session}#{code}", self.http)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_follow_the_public_one() {
        let session = SessionId(uuid::Uuid::nil());
        let id = "00000000-0000-0000-0000-000000000000";
        for (public, ws) in
            [("https://h.example", "wss://h.example"), ("http://h:8080", "ws://h:8080")]
        {
            let urls = Urls::new(public);
            assert_eq!(urls.websocket(session), format!("{ws}/api/v2/sessions/{id}/ws"));
            assert_eq!(urls.join(session, "7QK2"), format!("{public}/join/{id}#7QK2"));
        }
    }
}
