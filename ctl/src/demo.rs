//! `gssctl dev --demo`: a game master and three players at one table, all bots, through the real
//! server; then what they saw is checked against the journal.

mod bot;
mod check;
mod script;
mod stream;

use anyhow::{Context as _, Result, bail};
use gss_client::{Api, JwtSource};
use gss_shared::ids::PlayerId;
use serde_json::json;
use uuid::Uuid;

use crate::embedded::Embedded;
use crate::token;
use bot::Bot;

/// Seconds that a bot's token is good for.
const TOKEN_SECONDS: i64 = 3_600;

/// The game master and the players.
pub(crate) struct Cast {
    pub(crate) session: Uuid,
    pub(crate) gm: Bot,
    pub(crate) mira: Bot,
    pub(crate) toma: Bot,
    pub(crate) lia: Bot,
}

impl Cast {
    pub(crate) fn all(&self) -> [&Bot; 4] {
        [&self.gm, &self.mira, &self.toma, &self.lia]
    }

    pub(crate) fn players(&self) -> [&Bot; 3] {
        [&self.mira, &self.toma, &self.lia]
    }
}

/// Plays and checks; an error says what did not hold.
pub(crate) async fn run(service: &Embedded) -> Result<()> {
    println!("four bots play on {}\n", service.url);
    // Other users every time, so that creating a table again and again meets no limit.
    let run = Uuid::new_v4().simple().to_string();
    let cast = assemble(service, &run[..8]).await?;
    script::play(&cast).await?;
    println!("\nchecking {} against the journal", cast.session);
    let findings = check::all(service.journal.as_ref(), &cast).await?;
    for bot in cast.all() {
        bot.close().await;
    }
    if findings.is_empty() {
        println!("everything holds");
        return Ok(());
    }
    for finding in &findings {
        println!("WRONG: {finding}");
    }
    bail!("{} finding(s)", findings.len())
}

async fn assemble(service: &Embedded, run: &str) -> Result<Cast> {
    let issuer = service.keys.issuer()?;
    let sign = |name: &str| -> Result<(PlayerId, JwtSource)> {
        let user = token::user(&format!("{name}-{run}"));
        let jwt = token::sign(&issuer, user, "sessions:create", TOKEN_SECONDS)?;
        Ok((user, JwtSource::fixed(jwt)))
    };
    let (gm, jwt) = sign("gm")?;
    let api = Api::new(&service.url, jwt.clone(), None)?;
    let made = api.create(Uuid::nil(), "The ford at dusk", json!({"max_players": 4})).await;
    let made = made.context("create the table")?;
    println!("gm      creates the table {}", made.session_id);
    let gm = Bot::sit_down("gm", gm, jwt, made.websocket_url, made.connection_token, api.clone());
    let gm = gm.await?;
    let join = async |name: &'static str| {
        let (player, jwt) = sign(name)?;
        let api = api.as_user(jwt.clone());
        let body = json!({"character_id": Uuid::new_v4()});
        let joined = api.join(made.session_id, body).await;
        let joined = joined.with_context(|| format!("{name} joins"))?;
        println!("{name:<7} joins with a character");
        Bot::sit_down(name, player, jwt, joined.websocket_url, joined.connection_token, api).await
    };
    let (mira, toma, lia) = (join("mira").await?, join("toma").await?, join("lia").await?);
    Ok(Cast { session: made.session_id, gm, mira, toma, lia })
}
