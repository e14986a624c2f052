//! A fight goes on through the death of its owner.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use gss_client::{Client, Command, Document, Event, Message};
use gss_session::{Presence, Session};
use gss_shared::ids::{PlayerId, SessionId, Version};
use gss_shared::link::frame::ReadKind;
use gss_tests::cluster::Cluster;
use gss_tests::player::Seat;
use gss_tests::workload::open_journal;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use uuid::Uuid;

const PATIENCE: Duration = Duration::from_secs(60);
const HERO: Uuid = Uuid::from_u128(0x9a1e_40b4_5815_4a99_99e2_d153_64c7_a500);
const GOBLIN: Uuid = Uuid::from_u128(0x142c_8364_7806_4577_93e7_83e7_eb04_b39b);

/// Somebody at the table, and the document as its client follows it.
struct Hand {
    seat: Seat,
    client: Client,
    document: watch::Receiver<Document>,
    messages: Arc<std::sync::Mutex<Vec<Message>>>,
}

impl Hand {
    async fn sit(seat: Seat, session: SessionId, token: String) -> Result<Self> {
        let (client, mut events) = Client::connect(seat.options(session, token)).await?;
        let (moved, document) = watch::channel(Document::new());
        let messages = Arc::<std::sync::Mutex<Vec<Message>>>::default();
        let kept = Arc::clone(&messages);
        tokio::spawn(async move {
            while let Some(event) = events.next().await {
                if let Event::Message(message) = event {
                    moved.send_modify(|document| {
                        document.follow(&message).expect("a message fits the document");
                    });
                    kept.lock().expect("messages").push(message);
                }
            }
        });
        Ok(Self { seat, client, document, messages })
    }

    /// Sends until it is acknowledged.
    async fn does(&self, kind: &str, data: Value) -> Result<()> {
        let pending = self.client.send(Command::new(kind, data)).await?;
        timeout(PATIENCE, pending).await.context("no answer")?.with_context(|| kind.to_owned())?;
        Ok(())
    }

    /// Waits until its document says so.
    async fn sees(&mut self, what: &str, says: impl Fn(&Value) -> bool) -> Result<Value> {
        let combat = |document: &Document| document.get("/combat").cloned().unwrap_or_default();
        let seen = self.document.wait_for(|document| says(&combat(document)));
        let seen = timeout(PATIENCE, seen).await.with_context(|| format!("never saw {what}"))??;
        Ok(combat(&seen))
    }

    fn messages(&self, kind: &str) -> Vec<Message> {
        let messages = self.messages.lock().expect("messages");
        messages.iter().filter(|message| message.kind == kind).cloned().collect()
    }
}

/// A hero's turn-bound neighbour: a goblin whose turn it is, in the hero's reach.
async fn fight(cluster: &Cluster, settings: Value) -> Result<(SessionId, Hand, Hand)> {
    let (gm, aria) = (Seat::new(cluster, 0)?, Seat::new(cluster, 1)?);
    let (session, token) = gm.create("fight", &settings).await?;
    let joined = aria.join(session).await?;
    let mut gm = Hand::sit(gm, session, token).await?;
    let mut aria = Hand::sit(aria, session, joined).await?;
    let hero = json!({
        "size": "medium", "ac": 15, "hp": {"current": 30, "max": 30, "temp": 0},
        "abilities": {"str": 16, "dex": 14, "con": 14, "int": 10, "wis": 12, "cha": 8},
        "speeds": {"walk": 30},
        "attacks": [{"attack_id": "longsword", "name": "Longsword", "kind": "melee", "bonus": 5,
            "damage": [{"dice": "1d8+3", "type": "slashing"}], "reach_ft": 5}],
    });
    let start = json!({
        "combatants": [
            {"character_id": HERO, "name": "Aria", "kind": "character", "side": "party",
             "owner_id": aria.seat.player(), "custom": hero, "position": [2, 2]},
            {"character_id": GOBLIN, "kind": "monster", "side": "enemies", "stat_block": "ogre",
             "position": [3, 2]},
        ],
        "grid": {"width": 12, "height": 12},
        "options": {"initiative": "none"},
    });
    gm.does("combat_start", start).await?;
    gm.does("initiative_order", json!({"order": [GOBLIN, HERO]})).await?;
    for hand in [&mut gm, &mut aria] {
        hand.sees("the first turn", |combat| combat["active_character"] == json!(GOBLIN)).await?;
    }
    Ok((session, gm, aria))
}

/// The goblin leaves the hero's reach.
async fn leave(gm: &Hand) -> Result<()> {
    let data = json!({
        "character_id": GOBLIN, "action_type": "move", "targets": [],
        "details": {"path": [[4, 3], [5, 3], [6, 3]]},
    });
    gm.does("action_declare", data).await
}

async fn kill_owner(cluster: &mut Cluster, session: SessionId) -> Result<String> {
    let (owner, sessions) = cluster.busiest(&[session]).await?;
    ensure!(sessions == 1, "{owner} does not own the session");
    cluster.kill(&owner).await?;
    Ok(owner)
}

/// What the journal folds to is what both clients hold.
async fn is_as_the_journal_says(
    cluster: &Cluster,
    session: SessionId,
    hands: [&mut Hand; 2],
) -> Result<()> {
    let events = open_journal(cluster).await?.events(session, Version::ZERO, 10_000).await?;
    let folded = Session::replay(session, None, &events)?.context("no session")?;
    for hand in hands {
        let player: PlayerId = hand.seat.player();
        let whole = ReadKind::Sync { paths: Vec::new() };
        let Ok(told) = folded.read(&whole, player, &Presence::new()) else {
            bail!("{player} may not read");
        };
        let told: Value = serde_json::from_str(&told)?;
        let combat = told["state"]["combat"].clone();
        hand.sees("what the journal says", |seen| *seen == combat).await?;
    }
    Ok(())
}

/// REST and the `:combat` hash say what the clients are shown.
async fn is_read_elsewhere(
    cluster: &Cluster,
    session: SessionId,
    hands: [&mut Hand; 2],
) -> Result<()> {
    let mut shown = Value::Null;
    for hand in hands {
        shown = hand.document.borrow().get("/combat").cloned().unwrap_or_default();
        let read = hand.seat.api().combat(session.0).await?;
        ensure!(read == shown, "reads {read}, is shown {shown}");
    }
    let expected = HashMap::from([
        ("round", shown["round"].to_string()),
        ("turn", shown["turn_number"].to_string()),
        ("initiative_order", shown["order"].to_string()),
        ("active_effects", shown["effects"].to_string()),
    ]);
    let deadline = Instant::now() + PATIENCE;
    loop {
        let hash = combat_hash(cluster, session).await?;
        if hash.iter().all(|(name, text)| expected.get(name.as_str()) == Some(text))
            && hash.len() == expected.len()
        {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "the hash says {hash:?}, not {expected:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

async fn combat_hash(cluster: &Cluster, session: SessionId) -> Result<HashMap<String, String>> {
    for seed in &cluster.endpoints().redis {
        let url = format!("redis://{}", seed.trim_start_matches("redis://"));
        let mut redis = redis::Client::open(url)?.get_multiplexed_async_connection().await?;
        let key = format!("session:{{{session}}}:combat");
        // Another master, or a replica, says that it has not got it.
        if let Ok(hash) = redis::cmd("HGETALL").arg(key).query_async(&mut redis).await {
            return Ok(hash);
        }
    }
    Ok(HashMap::new())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_outlives_the_owner_that_asked_it() -> Result<()> {
    let mut cluster = Cluster::builder().start().await?;
    let (session, mut gm, mut aria) = fight(&cluster, json!({"reaction_seconds": 0})).await?;
    leave(&gm).await?;
    // It is a message of its own: that somebody is waited for is told before.
    let asked = |combat: &Value| combat["prompts"].as_object().is_some_and(|all| !all.is_empty());
    let combat = aria.sees("the question", asked).await?;
    ensure!(combat["step"] == "awaiting_decision", "{}", combat["step"]);
    let prompts = combat["prompts"].as_object().cloned().unwrap_or_default();
    ensure!(prompts.len() == 1, "{prompts:?}");
    let prompt = prompts.keys().next().cloned().context("a prompt")?;
    kill_owner(&mut cluster, session).await?;
    let answer = json!({"prompt_id": prompt, "accept": true, "option": "longsword"});
    aria.does("reaction", answer).await?;
    let combat = gm.sees("the walk's end", |combat| combat["step"] == "acting").await?;
    ensure!(combat["prompts"] == json!({}), "{}", combat["prompts"]);
    let struck = gm.messages("action_resolve").into_iter().any(|message| {
        message.data["cause"]["kind"] == "reaction" && message.data["character_id"] == json!(HERO)
    });
    ensure!(struck, "no strike in reaction was told");
    gm.does("turn_end", json!({"character_id": GOBLIN})).await?;
    aria.sees("its own turn", |combat| combat["active_character"] == json!(HERO)).await?;
    is_as_the_journal_says(&cluster, session, [&mut gm, &mut aria]).await?;
    is_read_elsewhere(&cluster, session, [&mut gm, &mut aria]).await?;
    gm.does("combat_end", json!({})).await?;
    aria.sees("the end", Value::is_null).await?;
    let gone = aria.seat.api().combat(session.0).await.expect_err("no fight to read");
    ensure!(gone.status() == Some(404), "{gone}");
    cluster.passed();
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deadline_holds_under_the_next_owner() -> Result<()> {
    let mut cluster = Cluster::builder().start().await?;
    let (session, mut gm, mut aria) = fight(&cluster, json!({"reaction_seconds": 5})).await?;
    leave(&gm).await?;
    aria.sees("the question", |combat| combat["step"] == "awaiting_decision").await?;
    kill_owner(&mut cluster, session).await?;
    // Nobody asks the new owner for anything.
    aria.sees("the walk's end", |combat| combat["step"] == "acting").await?;
    let resolved = aria.messages("reaction_resolved");
    let [resolved] = &resolved[..] else { bail!("{resolved:?}") };
    ensure!(resolved.data["result"] == "timed_out", "{resolved:?}");
    gm.does("turn_end", json!({"character_id": GOBLIN})).await?;
    is_as_the_journal_says(&cluster, session, [&mut gm, &mut aria]).await?;
    cluster.passed();
    Ok(())
}
