//! Connections of one player: how many, and which token opens one.

use anyhow::{Context, Result, bail, ensure};
use gss_shared::error_code::CloseCode;
use gss_shared::ids::SessionId;
use gss_shared::limits::CONNECTIONS_PER_PLAYER;
use gss_tests::cluster::Cluster;
use gss_tests::player::Seat;
use gss_tests::socket::{BareSocket, Upgraded};
use serde_json::{Value, json};

/// Opens with a token and reads `connection_established`, or why not with the close code.
async fn open(
    seat: &Seat,
    session: SessionId,
    token: &str,
) -> Result<Result<(BareSocket, Value), (String, u16)>> {
    let upgraded = BareSocket::open(&seat.url(session), seat.jwt(), token, None).await?;
    let Upgraded::Open(mut socket) = upgraded else { bail!("the upgrade was refused") };
    let first = socket.expect(&["connection_established", "connection_error"]).await?;
    if first["type"] == "connection_error" {
        let code = first["error"]["code"].as_str().context("a code")?.to_owned();
        return Ok(Err((code, socket.closed().await?)));
    }
    socket.expect(&["sync_response"]).await?;
    Ok(Ok((*socket, first["data"].clone())))
}

async fn opened(seat: &Seat, session: SessionId, token: &str) -> Result<(BareSocket, String)> {
    match open(seat, session, token).await? {
        Ok((socket, data)) => {
            let token = data["resume_token"].as_str().context("a resume token")?;
            Ok((socket, token.to_owned()))
        }
        Err((code, close)) => bail!("refused as {code}, closed {close}"),
    }
}

async fn refused(seat: &Seat, session: SessionId, token: &str) -> Result<(String, u16)> {
    match open(seat, session, token).await? {
        Ok((_, data)) => bail!("opened: {data}"),
        Err(refusal) => Ok(refusal),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_player_has_five_connections_over_all_routers() -> Result<()> {
    let cluster = Cluster::builder().nodes(2).start().await?;
    let gm = Seat::new(&cluster, 0)?;
    let (session, _) = gm.create("five", &json!({})).await?;
    let near = Seat::new(&cluster, 0)?;
    let far = near.beside(1);
    let mut sockets = Vec::new();
    for number in 0..CONNECTIONS_PER_PLAYER {
        let seat = if number % 2 == 0 { &near } else { &far };
        let token = seat.join(session).await?;
        sockets.push(opened(seat, session, &token).await?.0);
    }
    let token = far.join(session).await?;
    let refusal = refused(&far, session, &token).await?;
    ensure!(refusal == ("session_full".to_owned(), CloseCode::Forbidden.number()), "{refusal:?}");
    // Another player is not concerned.
    let other = Seat::new(&cluster, 1)?;
    let others = other.join(session).await?;
    opened(&other, session, &others).await?;
    // One goes, one may come; whoever stays is not touched.
    sockets.remove(0).close().await?;
    let mut tries = 0;
    let sixth = loop {
        let token = far.join(session).await?;
        match open(&far, session, &token).await? {
            Ok((socket, _)) => break socket,
            // The router tells the owner of a close on its own road.
            Err((code, _)) if code == "session_full" && tries < 20 => tries += 1,
            Err(refusal) => bail!("{refusal:?}"),
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    };
    sockets.push(sixth);
    near.api().act(session.0, &gss_client::Command::chat("all five")).await?;
    for socket in &mut sockets {
        let frame = socket.expect(&["chat_message"]).await?;
        ensure!(frame["data"]["text"] == "all five", "{frame}");
    }
    cluster.passed();
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_opens_one_connection_and_its_successor_spends_it() -> Result<()> {
    let cluster = Cluster::builder().nodes(2).start().await?;
    let gm = Seat::new(&cluster, 0)?;
    let (session, _) = gm.create("tokens", &json!({})).await?;
    let near = Seat::new(&cluster, 0)?;
    let far = near.beside(1);
    let first = near.join(session).await?;
    let (mut one, _) = opened(&near, session, &first).await?;
    // The same token of the same user, at the other router as after its router's death.
    let (mut two, second) = opened(&far, session, &first).await?;
    let code = one.closed().await?;
    ensure!(code == CloseCode::Replaced.number(), "the replaced one was closed {code}");
    // Its successor replaces it in turn, and spends the first.
    let (mut three, _) = opened(&near, session, &second).await?;
    let code = two.closed().await?;
    ensure!(code == CloseCode::Replaced.number(), "the replaced one was closed {code}");
    for seat in [&near, &far] {
        let refusal = refused(seat, session, &first).await?;
        let expected = ("token_used".to_owned(), CloseCode::TokenUsed.number());
        ensure!(refusal == expected, "a spent token: {refusal:?}");
    }
    // Somebody else with it, and itself elsewhere: refused before the upgrade.
    let thief = Seat::new(&cluster, 0)?;
    thief.join(session).await?;
    let (elsewhere, _) = gm.create("elsewhere", &json!({})).await?;
    for (seat, at) in [(&thief, session), (&near, elsewhere)] {
        match BareSocket::open(&seat.url(at), seat.jwt(), &second, None).await? {
            Upgraded::Refused(403, body) => {
                ensure!(body["error"]["code"] == "forbidden", "{body}");
            }
            Upgraded::Refused(status, body) => bail!("status {status}: {body}"),
            Upgraded::Open(_) => bail!("a token of another user or session was taken"),
        }
    }
    // None of which touched the connection that holds the place.
    near.api().act(session.0, &gss_client::Command::chat("still here")).await?;
    let frame = three.expect(&["chat_message"]).await?;
    ensure!(frame["data"]["text"] == "still here", "{frame}");
    cluster.passed();
    Ok(())
}
