//! One try to open a WebSocket, and what its failure means.

use std::sync::Arc;

use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::{HeaderValue, Request, Response};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Error};
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream};

use crate::error::{EndReason, Refusal};
use crate::options::{Reach, Wire};

pub(crate) type Socket = WebSocketStream<MaybeTlsStream<Box<dyn Wire>>>;

/// Largest message of the server: a snapshot of a full document, escaped.
const MESSAGE_BYTES: usize = 16 << 20;
/// Bytes that may wait to be written: the unanswered commands of a connection.
const WRITE_BYTES: usize = 4 << 20;
/// The crate's own 128 KiB are allocated at once, for each connection.
const READ_BYTES: usize = 4 << 10;

/// Why a try failed.
#[derive(Debug)]
pub(crate) enum OpenError {
    /// Another try may succeed; not before so many milliseconds, if the server said so.
    Passing(String, Option<u64>),
    /// No other try will.
    Final(EndReason),
}

/// What goes into the request.
pub(crate) struct Ticket<'a> {
    pub(crate) url: &'a str,
    pub(crate) jwt: &'a str,
    pub(crate) token: &'a str,
    pub(crate) position: Option<&'a str>,
}

pub(crate) async fn open(
    ticket: Ticket<'_>,
    tls: Option<Arc<rustls::ClientConfig>>,
    reach: Option<&Reach>,
) -> Result<Socket, OpenError> {
    let request = request(&ticket).map_err(|why| OpenError::Final(EndReason::Options(why)))?;
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BYTES)
        .max_write_buffer_size(WRITE_BYTES)
        .max_message_size(Some(MESSAGE_BYTES))
        .max_frame_size(Some(MESSAGE_BYTES));
    let (host, port) =
        address(&request).map_err(|why| OpenError::Final(EndReason::Options(why)))?;
    let wire = match reach {
        None => tcp(&host, port).await,
        Some(reach) => reach(host, port).await,
    };
    let wire = wire.map_err(|error| OpenError::Passing(error.to_string(), None))?;
    let connector = tls.map(Connector::Rustls);
    let opened =
        tokio_tungstenite::client_async_tls_with_config(request, wire, Some(config), connector);
    match opened.await {
        Ok((socket, _)) => Ok(socket),
        Err(Error::Http(response)) => Err(refused(&response)),
        Err(error) => Err(OpenError::Passing(error.to_string(), None)),
    }
}

fn request(ticket: &Ticket<'_>) -> Result<Request<()>, String> {
    let mut request = ticket.url.into_client_request().map_err(|error| error.to_string())?;
    let headers = request.headers_mut();
    let secret = |text: &str| -> Result<HeaderValue, String> {
        let mut value =
            HeaderValue::from_str(text).map_err(|_| "a token is no header".to_owned())?;
        value.set_sensitive(true);
        Ok(value)
    };
    headers.insert("Authorization", secret(&format!("Bearer {}", ticket.jwt))?);
    headers.insert("X-Session-Token", secret(ticket.token)?);
    if let Some(position) = ticket.position {
        let value = HeaderValue::from_str(position).map_err(|_| "no position".to_owned())?;
        headers.insert("X-Position", value);
    }
    Ok(request)
}

/// Host and port of the URL.
fn address(request: &Request<()>) -> Result<(String, u16), String> {
    let uri = request.uri();
    let host = uri.host().ok_or_else(|| "the URL has no host".to_owned())?;
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let port = match (uri.port_u16(), uri.scheme_str()) {
        (Some(port), _) => port,
        (None, Some("wss")) => 443,
        (None, Some("ws")) => 80,
        (None, _) => return Err("the URL is neither ws nor wss".to_owned()),
    };
    Ok((host, port))
}

async fn tcp(host: &str, port: u16) -> std::io::Result<Box<dyn Wire>> {
    let stream = TcpStream::connect((host, port)).await?;
    stream.set_nodelay(true)?;
    Ok(Box::new(stream))
}

#[derive(serde::Deserialize)]
struct Body {
    error: Refusal,
}

fn refused(response: &tungstenite::http::Response<Option<Vec<u8>>>) -> OpenError {
    let status = response.status().as_u16();
    let refusal = body(response);
    if status == 429 || status >= 500 {
        let after = refusal.as_ref().and_then(Refusal::retry_after_ms);
        return OpenError::Passing(format!("status {status}"), after);
    }
    OpenError::Final(EndReason::Refused { status, refusal })
}

fn body(response: &Response<Option<Vec<u8>>>) -> Option<Refusal> {
    let bytes = response.body().as_ref()?;
    serde_json::from_slice::<Body>(bytes).ok().map(|body| body.error)
}
