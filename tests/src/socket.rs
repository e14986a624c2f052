//! A bare WebSocket, for what an SDK would not do: old tokens, one connection too many.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures::StreamExt as _;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// Longest wait for what has to come.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the server made of an upgrade.
pub enum Upgraded {
    /// It is open.
    Open(Box<BareSocket>),
    /// It was refused with this HTTP status and body.
    Refused(u16, Value),
}

/// An open socket without any cleverness.
pub struct BareSocket {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl BareSocket {
    /// Upgrades, presenting a session token and perhaps a position.
    ///
    /// # Errors
    /// When there is no HTTP answer.
    pub async fn open(
        url: &str,
        jwt: &str,
        token: &str,
        position: Option<&str>,
    ) -> Result<Upgraded> {
        let mut request = url.into_client_request()?;
        let headers = request.headers_mut();
        headers.insert("Authorization", format!("Bearer {jwt}").parse()?);
        headers.insert("X-Session-Token", token.parse()?);
        if let Some(position) = position {
            headers.insert("X-Position", position.parse()?);
        }
        match tokio_tungstenite::connect_async(request).await {
            Ok((socket, _)) => Ok(Upgraded::Open(Box::new(Self { socket }))),
            Err(Error::Http(response)) => {
                let body = response.body().as_deref().unwrap_or_default();
                let body = serde_json::from_slice(body).unwrap_or_default();
                Ok(Upgraded::Refused(response.status().as_u16(), body))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The next frame of one of these types.
    ///
    /// # Errors
    /// When the socket closes before it comes.
    pub async fn expect(&mut self, kinds: &[&str]) -> Result<Value> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let next = tokio::time::timeout_at(deadline, self.socket.next()).await;
            match next.with_context(|| format!("no {kinds:?}"))? {
                Some(Ok(Message::Text(text))) => {
                    let frame: Value = serde_json::from_str(&text)?;
                    if frame["type"].as_str().is_some_and(|kind| kinds.contains(&kind)) {
                        return Ok(frame);
                    }
                }
                Some(Ok(Message::Close(close))) => bail!("closed with {close:?} before {kinds:?}"),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error.into()),
                None => bail!("ended before {kinds:?}"),
            }
        }
    }

    /// The code it is closed with.
    ///
    /// # Errors
    /// When it is not closed, or without a code.
    pub async fn closed(&mut self) -> Result<u16> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let next = tokio::time::timeout_at(deadline, self.socket.next()).await;
            match next.context("not closed")? {
                Some(Ok(Message::Close(close))) => {
                    return Ok(u16::from(close.context("a close without a code")?.code));
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error.into()),
                None => bail!("ended without a close"),
            }
        }
    }

    /// Closes it.
    ///
    /// # Errors
    /// When it is gone already.
    pub async fn close(mut self) -> Result<()> {
        Ok(self.socket.close(None).await?)
    }
}
