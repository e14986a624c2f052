//! The WebSocket upgrade: everything that can be refused is refused before it, with an HTTP status
//! and an error body; then the socket goes to the switchboard.
//!
//! An attempt counts against the address, unless a valid resume token makes it count against its
//! player: a table behind one address must be able to come back after a router's death.

use std::str::FromStr as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use gss_shared::error_code::{ClientError, ErrorCode};
use gss_shared::ids::ResumePoint;
use gss_shared::jwt::Claims;
use gss_shared::token::TokenClaims;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::upgrade::OnUpgrade;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

use crate::admission::Counted;
use crate::auth::{self, Credentials, SUBPROTOCOL};
use crate::connection_task;
use crate::gateway::Gateway;
use crate::rest::reply::insert_text;
use crate::server::Peer;
use crate::server::socket::Socket;
use crate::session_limits::OwnLimits;
use crate::switchboard::OpenConnection;

/// Time between the answer 101 and the raw socket.
const SWITCH_TIME: Duration = Duration::from_secs(10);

/// Answers an upgrade to the session in the path.
///
/// # Errors
/// The refusal; the connection then stays HTTP.
pub(crate) async fn upgrade(
    gateway: &Arc<Gateway>,
    mut request: Request<Incoming>,
    peer: &Peer,
    session: &str,
    answer_headers: &mut HeaderMap,
) -> Result<Response<Full<Bytes>>, ClientError> {
    if gateway.draining.load(Ordering::Relaxed) {
        return Err(ClientError::new(ErrorCode::Draining, "The router is leaving; try another.")
            .with("effect", "none"));
    }
    let accept = accept_key(request.headers()).inspect_err(|_| {
        let upgrade = HeaderValue::from_static("websocket");
        answer_headers.insert(header::UPGRADE, upgrade);
    })?;
    let checked = check(gateway, request.headers(), session).await;
    let counted = match &checked {
        Ok(checked) if checked.token.resume => Counted::Resume(checked.user.sub),
        Ok(_) | Err(_) => {
            let trusted = &gateway.trusted_proxies;
            Counted::Connect(crate::address::client(peer.address, request.headers(), trusted))
        }
    };
    gateway.door.admit(counted, OwnLimits::default(), answer_headers).await?;
    let Checked { user, token, subprotocol } = checked?;
    let open = OpenConnection {
        session: token.session,
        player: user.sub,
        token,
        position: position(&request)?,
        credential: auth::credential(&user),
        refresh: Arc::new(auth::Refresher {
            verifier: Arc::clone(&gateway.verifier),
            switchboard: gateway.switchboard.clone(),
            clock: gateway.clock.clone(),
        }),
    };
    let switching = hyper::upgrade::on(&mut request);
    let serving = serve(Arc::clone(gateway), switching, open, peer.clone());
    gateway.websockets.spawn(serving);
    Ok(switching_protocols(&accept, subprotocol))
}

struct Checked {
    user: Claims,
    token: TokenClaims,
    subprotocol: bool,
}

async fn check(
    gateway: &Gateway,
    headers: &HeaderMap,
    session: &str,
) -> Result<Checked, ClientError> {
    let credentials = Credentials::of_upgrade(headers)?;
    let now = gateway.clock.now();
    let user = auth::user(&gateway.verifier, credentials.jwt, now).await?;
    auth::not_revoked(&gateway.switchboard, &user)?;
    let session = crate::rest::session_id(session)?;
    let token = auth::session(&gateway.tokens, credentials.session, &user, session, now)?;
    Ok(Checked { user, token, subprotocol: credentials.subprotocol })
}

/// `Sec-WebSocket-Accept` of a correct handshake (RFC 6455 section 4.2.1).
fn accept_key(headers: &HeaderMap) -> Result<String, ClientError> {
    let refused =
        |message: &str| Err(ClientError::new(ErrorCode::InvalidArgument, message.to_owned()));
    if !has_token(headers, header::UPGRADE, "websocket")
        || !has_token(headers, header::CONNECTION, "upgrade")
    {
        return refused("This path takes WebSocket upgrades only.");
    }
    if headers.get(header::SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        return refused("`Sec-WebSocket-Version` must be 13.");
    }
    let mut keys = headers.get_all(header::SEC_WEBSOCKET_KEY).iter();
    let (Some(key), None) = (keys.next(), keys.next()) else {
        return refused("`Sec-WebSocket-Key` must be given once.");
    };
    use base64::Engine as _;
    let decoded = base64::engine::general_purpose::STANDARD.decode(key.as_bytes());
    if decoded.is_ok_and(|bytes| bytes.len() == 16) {
        Ok(derive_accept_key(key.as_bytes()))
    } else {
        refused("`Sec-WebSocket-Key` must be 16 bytes in base64.")
    }
}

fn has_token(headers: &HeaderMap, name: HeaderName, token: &str) -> bool {
    let lines = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|part| part.trim().eq_ignore_ascii_case(token))
}

/// Where the client wants to resume: header `X-Position` or query `position`.
fn position<B>(request: &Request<B>) -> Result<Option<ResumePoint>, ClientError> {
    let refused = || {
        ClientError::new(ErrorCode::InvalidArgument, "The position is none that this service gave.")
            .with("member", "position")
    };
    let lines = request.headers().get_all("x-position").iter().map(|line| line.to_str());
    let lines: Result<Vec<_>, _> = lines.collect();
    let mut given: Vec<String> =
        lines.map_err(|_| refused())?.iter().map(ToString::to_string).collect();
    let query = form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes());
    given.extend(query.filter(|(name, _)| name == "position").map(|(_, value)| value.into_owned()));
    match given.as_slice() {
        [] => Ok(None),
        [one] => ResumePoint::from_str(one).map(Some).map_err(|_| refused()),
        _ => Err(refused()),
    }
}

fn switching_protocols(accept: &str, subprotocol: bool) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    insert_text(headers, header::SEC_WEBSOCKET_ACCEPT, accept);
    if subprotocol {
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
    }
    response
}

/// Waits for the raw socket and hands it over; the peer's seat is held until its end.
async fn serve(gateway: Arc<Gateway>, switching: OnUpgrade, open: OpenConnection, peer: Peer) {
    let session = open.session;
    let upgraded = match tokio::time::timeout(SWITCH_TIME, switching).await {
        Ok(Ok(upgraded)) => upgraded,
        Ok(Err(error)) => {
            tracing::debug!(%session, %error, "upgrade broke off");
            return;
        }
        Err(_) => {
            tracing::debug!(%session, "upgrade took too long");
            return;
        }
    };
    let Ok(parts) = upgraded.downcast::<TokioIo<Socket>>() else {
        tracing::error!(%session, "an upgraded connection is no socket of this server");
        return;
    };
    let config = connection_task::websocket_config();
    let socket = WebSocketStream::from_partially_read(
        parts.io.into_inner(),
        parts.read_buf.to_vec(),
        Role::Server,
        Some(config),
    );
    let socket = socket.await;
    gateway.switchboard.connect(open, socket).await;
    drop(peer);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handshake(changes: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("connection", "keep-alive, Upgrade"),
            ("upgrade", "WebSocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ] {
            headers.insert(name, value.parse().expect("value"));
        }
        for (name, value) in changes {
            headers.insert(*name, value.parse().expect("value"));
        }
        headers
    }

    #[test]
    fn the_sample_of_rfc_6455_is_accepted() {
        let accept = accept_key(&handshake(&[]));
        assert_eq!(accept, Ok("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=".to_owned()));
    }

    #[test]
    fn wrong_handshakes_are_refused() {
        for (name, value, message) in [
            ("upgrade", "h2c", "This path takes WebSocket upgrades only."),
            ("connection", "close", "This path takes WebSocket upgrades only."),
            ("sec-websocket-version", "8", "`Sec-WebSocket-Version` must be 13."),
            ("sec-websocket-key", "c2hvcnQ=", "`Sec-WebSocket-Key` must be 16 bytes in base64."),
        ] {
            let error = accept_key(&handshake(&[(name, value)])).expect_err("refused");
            assert_eq!(error.to_string(), format!("invalid_argument: {message}"));
        }
    }

    #[test]
    fn a_position_comes_once() {
        let text = "AQAAAAAAAAGrR-qgmSy2QW2G3Cg88EgP-Q";
        let read = |uri: &str, header: Option<&str>| {
            let mut request = Request::builder().uri(uri);
            if let Some(value) = header {
                request = request.header("x-position", value);
            }
            let request = request.body(()).expect("request");
            position(&request).map(|found| found.map(|found| found.to_string())).map_err(|e| e.code)
        };
        let found = Ok(Some(text.to_owned()));
        assert_eq!(read("/ws", None), Ok(None));
        assert_eq!(read("/ws", Some(text)), found);
        assert_eq!(read(&format!("/ws?position={text}"), None), found);
        let refused = Err(ErrorCode::InvalidArgument);
        assert_eq!(read("/ws?position=427", None), refused);
        assert_eq!(read("/ws?position=", None), refused);
        assert_eq!(read(&format!("/ws?position={text}"), Some(text)), refused);
    }
}
