//! `gssctl dev --demo`: a game master and four players at one table, all bots, through the real
//! server: talk, then a fight; then what they saw is checked against the journal.

mod bot;
mod check;
mod fight;
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
/// Bots are faster than people.
const MESSAGES_PER_MINUTE: u32 = 60_000;
/// Seconds in which a bot answers, be the machine ever so busy.
const REACTION_SECONDS: u32 = 120;

/// The game master and the players.
pub(crate) struct Cast {
    pub(crate) session: Uuid,
    pub(crate) gm: Bot,
    pub(crate) mira: Bot,
    pub(crate) toma: Bot,
    pub(crate) lia: Bot,
    pub(crate) oren: Bot,
}

impl Cast {
    pub(crate) fn all(&self) -> [&Bot; 5] {
        [&self.gm, &self.mira, &self.toma, &self.lia, &self.oren]
    }

    pub(crate) fn players(&self) -> [&Bot; 4] {
        [&self.mira, &self.toma, &self.lia, &self.oren]
    }
}

/// Plays and checks; an error says what did not hold.
pub(crate) async fn run(service: &Embedded) -> Result<()> {
    println!("five bots play on {}\n", service.url);
    // Other users every time, so that creating a table again and again meets no limit.
    let run = Uuid::new_v4().simple().to_string();
    let cast = assemble(service, &run[..8]).await?;
    script::play(&cast).await?;
    let fought = fight::play(&cast).await?;
    script::end(&cast).await?;
    println!("\nchecking {} against the journal", cast.session);
    let mut findings = check::all(service.journal.as_ref(), &cast).await?;
    findings.extend(fought.findings);
    for bot in cast.all() {
        bot.close().await;
    }
    for line in &fought.shown {
        println!("{line}");
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
    let settings = json!({
        "max_players": 5,
        "reaction_seconds": REACTION_SECONDS,
        "limits": {"messages_per_minute": MESSAGES_PER_MINUTE},
    });
    let made = api.create(Uuid::nil(), "The ford at dusk", settings).await;
    let made = made.context("create the table")?;
    println!("gm      creates the table {}", made.session_id);
    let gm = Bot::sit_down(
        "gm",
        (gm, None),
        jwt,
        made.websocket_url,
        made.connection_token,
        api.clone(),
    );
    let gm = gm.await?;
    let join = async |name: &'static str| {
        let (player, jwt) = sign(name)?;
        let api = api.as_user(jwt.clone());
        let character = Uuid::new_v4();
        let body = json!({"character_id": character});
        let joined = api.join(made.session_id, body).await;
        let joined = joined.with_context(|| format!("{name} joins"))?;
        println!("{name:<7} joins with a character");
        let who = (player, Some(character));
        Bot::sit_down(name, who, jwt, joined.websocket_url, joined.connection_token, api).await
    };
    let (mira, toma) = (join("mira").await?, join("toma").await?);
    let (lia, oren) = (join("lia").await?, join("oren").await?);
    Ok(Cast { session: made.session_id, gm, mira, toma, lia, oren })
}
