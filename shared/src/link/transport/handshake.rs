//! The handshake: proofs, then agreement on cluster, shard count, version and role.
//!
//! Client: `Open`. With a shared key the server answers `Challenge` (its nonce and proof) and the
//! client `Answer` (its proof); under TLS the certificates were the proofs. Server: `Welcome`.

use std::time::Duration;

use futures::{SinkExt, StreamExt as _};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::bytes::Bytes;
use tokio_util::codec::{Framed, LengthDelimitedCodec};

use super::pipe;
use super::security::{Nonce, Proof, SharedKey, Side, nonce};
use super::{Accepted, Connected, Identity, LinkError};
use crate::limits;
use crate::link::frame::{Hello, LINK_VERSION, OLDEST_LINK_VERSION, PeerRole, Welcome};

/// A handshake frame is small: strangers get no more memory than this.
const HANDSHAKE_BYTES: usize = 4 << 10;

#[derive(Serialize, Deserialize)]
struct Open {
    /// None: the transport has authenticated both sides.
    nonce: Option<Nonce>,
    hello: Hello,
}

#[derive(Serialize, Deserialize)]
struct Challenge {
    nonce: Nonce,
    proof: Proof,
}

#[derive(Serialize, Deserialize)]
struct Answer {
    proof: Proof,
}

/// How the peer is known.
#[derive(Clone)]
pub enum Proven {
    /// Not yet: it has to prove that it holds the key.
    ByKey(SharedKey),
    /// By the transport; these are the roles it may take.
    ByTransport(Vec<PeerRole>),
}

type Wire<S> = Framed<S, LengthDelimitedCodec>;

/// The connecting side over any bytes.
///
/// # Errors
/// [`LinkError`]; the bytes are dropped.
pub async fn handshake_client<S>(
    io: S,
    proven: Proven,
    hello: Hello,
) -> Result<Connected, LinkError>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    timely(async {
        let mut wire = Framed::new(io, pipe::codec(HANDSHAKE_BYTES));
        let own_nonce = matches!(proven, Proven::ByKey(_)).then(nonce);
        let open = encode(&Open { nonce: own_nonce, hello })?;
        wire.send(open.clone()).await?;
        if let Proven::ByKey(key) = &proven {
            let challenge: Challenge =
                match receive::<_, Result<Challenge, Welcome>>(&mut wire).await? {
                    Ok(challenge) => challenge,
                    Err(welcome) => return Err(refusal(welcome)),
                };
            if !key.holds(Side::Server, &open, &challenge.nonce, &challenge.proof) {
                return Err(LinkError::NotAuthentic("the shared key is another".to_owned()));
            }
            let proof = key.prove(Side::Client, &open, &challenge.nonce);
            wire.send(encode(&Answer { proof })?).await?;
        }
        match receive(&mut wire).await? {
            Welcome::Accepted { version, process, incarnation } => {
                let parts = wire.into_parts();
                let (sink, stream) = pipe::open(parts.io, parts.read_buf);
                Ok(Connected { version, process, incarnation, sink, stream })
            }
            refused @ Welcome::Refused { .. } => Err(refusal(refused)),
        }
    })
    .await
}

/// The accepting side over any bytes.
///
/// # Errors
/// [`LinkError`]; the peer was told why if it proved itself.
pub async fn handshake_server<S>(
    io: S,
    proven: Proven,
    identity: &Identity,
) -> Result<Accepted, LinkError>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    timely(async {
        let mut wire = Framed::new(io, pipe::codec(HANDSHAKE_BYTES));
        let opened = receive_bytes(&mut wire).await?;
        let open: Open = postcard::from_bytes(&opened).map_err(LinkError::Frame)?;
        match &proven {
            Proven::ByKey(key) => challenge(&mut wire, key, &opened, open.nonce).await?,
            Proven::ByTransport(roles) if !roles.contains(&open.hello.role) => {
                let reason = format!("the certificate is not of role {:?}", open.hello.role);
                return refuse(&mut wire, reason).await;
            }
            Proven::ByTransport(_) if open.nonce.is_some() => {
                return refuse(&mut wire, "this link needs no shared key".to_owned()).await;
            }
            Proven::ByTransport(_) => {}
        }
        let version = match agree(identity, &open.hello) {
            Ok(version) => version,
            Err(reason) => return refuse(&mut wire, reason).await,
        };
        let (process, incarnation) = (identity.process.clone(), identity.incarnation);
        let welcome = Welcome::Accepted { version, process, incarnation };
        wire.send(encode(&welcome)?).await?;
        let parts = wire.into_parts();
        let (sink, stream) = pipe::open(parts.io, parts.read_buf);
        Ok(Accepted { hello: open.hello, version, sink, stream })
    })
    .await
}

async fn challenge<S: AsyncRead + AsyncWrite + Unpin>(
    wire: &mut Wire<S>,
    key: &SharedKey,
    opened: &[u8],
    client_nonce: Option<Nonce>,
) -> Result<(), LinkError> {
    if client_nonce.is_none() {
        let reason = "this link needs the shared key".to_owned();
        return refuse(wire, reason).await;
    }
    let own = nonce();
    let proof = key.prove(Side::Server, opened, &own);
    let challenge: Result<Challenge, Welcome> = Ok(Challenge { nonce: own, proof });
    wire.send(encode(&challenge)?).await?;
    let answer: Answer = receive(wire).await?;
    if key.holds(Side::Client, opened, &own, &answer.proof) {
        Ok(())
    } else {
        Err(LinkError::NotAuthentic("the shared key is another".to_owned()))
    }
}

/// The version to speak, or why there is no link.
fn agree(identity: &Identity, hello: &Hello) -> Result<u16, String> {
    if hello.cluster != identity.cluster.as_str() {
        return Err(format!("this is cluster {}, not {}", identity.cluster, hello.cluster));
    }
    if hello.shards != identity.shards {
        let (own, other) = (identity.shards.0, hello.shards.0);
        return Err(format!("this cluster has {own} shards, not {other}"));
    }
    let (low, high) = hello.versions;
    let version = high.min(LINK_VERSION);
    if version < low || version < OLDEST_LINK_VERSION {
        return Err(format!(
            "this process speaks link versions {OLDEST_LINK_VERSION} to {LINK_VERSION}, not {low} \
             to {high}"
        ));
    }
    Ok(version)
}

fn refusal(welcome: Welcome) -> LinkError {
    match welcome {
        Welcome::Refused { reason } => LinkError::Refused(reason),
        Welcome::Accepted { .. } => LinkError::NotAuthentic("it skipped its proof".to_owned()),
    }
}

async fn refuse<S: AsyncRead + AsyncWrite + Unpin, T>(
    wire: &mut Wire<S>,
    reason: String,
) -> Result<T, LinkError> {
    wire.send(encode(&Welcome::Refused { reason: reason.clone() })?).await?;
    SinkExt::<Bytes>::close(wire).await?;
    Err(LinkError::Refused(reason))
}

fn encode<T: Serialize>(frame: &T) -> Result<Bytes, LinkError> {
    postcard::to_stdvec(frame).map(Bytes::from).map_err(LinkError::Frame)
}

async fn receive_bytes<S: AsyncRead + AsyncWrite + Unpin>(
    wire: &mut Wire<S>,
) -> Result<tokio_util::bytes::BytesMut, LinkError> {
    let closed = || LinkError::Io(std::io::ErrorKind::UnexpectedEof.into());
    wire.next().await.ok_or_else(closed)?.map_err(LinkError::Io)
}

async fn receive<S: AsyncRead + AsyncWrite + Unpin, T: DeserializeOwned>(
    wire: &mut Wire<S>,
) -> Result<T, LinkError> {
    postcard::from_bytes(&receive_bytes(wire).await?).map_err(LinkError::Frame)
}

async fn timely<T>(handshake: impl Future<Output = Result<T, LinkError>>) -> Result<T, LinkError> {
    let limit = Duration::from_secs(limits::LINK_HANDSHAKE_SECONDS);
    tokio::time::timeout(limit, handshake).await.map_err(|_| LinkError::HandshakeTimeout)?
}
