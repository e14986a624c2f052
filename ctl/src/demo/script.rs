//! What is played: talk, dice, shared and private state, refusals, a repeated command, a rollback,
//! a lost connection, a pause; and after the fight the end.

use anyhow::{Result, ensure};
use gss_client::Command;
use serde_json::{Value, json};

use crate::demo::Cast;
use crate::demo::bot::Bot;

/// Coins that each player finds, one command each, all players at once.
const COINS: usize = 5;
/// The connection ends because the session does.
const SESSION_ENDED: u16 = 4502;

/// Plays what comes before the fight; an error names the line that went otherwise.
pub(crate) async fn play(cast: &Cast) -> Result<()> {
    arrive(cast).await?;
    roll(cast).await?;
    gather(cast).await?;
    refuse(cast).await?;
    whisper(cast).await?;
    turn_back(cast).await?;
    stumble(cast).await?;
    pause(cast).await
}

fn say(text: &str) -> (String, Command) {
    (format!("says: {text}"), Command::chat(text))
}

async fn speak(bot: &Bot, text: &str) -> Result<u64> {
    let (what, command) = say(text);
    Ok(bot.does(&what, command).await?.version)
}

async fn arrive(cast: &Cast) -> Result<()> {
    speak(&cast.gm, "Dusk. The river is high, and something moves on the far bank.").await?;
    let scene = json!({"place": "ford", "light": "dim", "door": "shut"});
    cast.gm.does("sets the scene", Command::set("/shared/scene", scene)).await?;
    let plot = json!({"goblins": 4, "ambush": true});
    cast.gm.does("writes down the plot, for itself", Command::set("/gm/plot", plot)).await?;
    for (bot, hp) in cast.players().into_iter().zip([38, 49, 32, 38]) {
        let sheet = Command::set(&format!("/players/{}", bot.player), json!({ "hp": hp }));
        bot.does("lays out its sheet", sheet).await?;
    }
    Ok(())
}

async fn roll(cast: &Cast) -> Result<()> {
    let stealth = json!({"expression": "1d20+7", "reason": "Stealth", "to": "gm"});
    cast.mira.does("rolls stealth for the GM's eyes", Command::new("roll", stealth)).await?;
    speak(&cast.toma, "Enough. I charge across the ford!").await?;
    cast.toma.does("rolls to hit", Command::roll("1d20+5")).await?;
    cast.toma.does("rolls damage", Command::roll("1d8+3")).await?;
    let hidden = json!({"expression": "4d6", "reason": "How many arrows?", "to": "gm"});
    cast.gm.does("rolls behind the screen", Command::new("roll", hidden)).await?;
    Ok(())
}

/// Everybody at once: no increment may be lost.
async fn gather(cast: &Cast) -> Result<()> {
    let collect = async |bot: &Bot| {
        for _ in 0..COINS {
            bot.does("picks up a coin", Command::increment("/shared/gold", 1)).await?;
        }
        anyhow::Ok(())
    };
    let [mira, toma, lia, oren] = cast.players();
    tokio::try_join!(collect(mira), collect(toma), collect(lia), collect(oren))?;
    let gold = state(cast).await?["shared"]["gold"].clone();
    ensure!(
        gold == json!(COINS * cast.players().len()),
        "there are {gold} coins, not {}",
        COINS * cast.players().len()
    );
    Ok(())
}

async fn refuse(cast: &Cast) -> Result<()> {
    let peek = Command::set("/gm/plot/ambush", json!(false));
    cast.lia.fails("reaches for the plot", "forbidden", peek).await?;
    let late = Command::compare_and_set("/shared/scene/door", json!("open"), json!("barred"));
    cast.toma.fails("bars a door that it believes open", "conflict", late).await?;
    cast.lia.fails("rolls a die there is not", "invalid_argument", Command::roll("1d")).await?;
    cast.mira
        .fails("ends the evening", "forbidden", Command::new("session_end", json!({})))
        .await?;

    let twice = Command::chat("Did you hear that?");
    let first = cast.lia.does("says: Did you hear that?", twice.clone()).await?;
    let second = cast.lia.does("sends the same command again", twice.clone()).await?;
    ensure!(
        second.duplicate && second.version == first.version,
        "the same command was acknowledged as {first:?}, then as {second:?}"
    );
    let other = Command::chat("Something else.").with_action_id(twice.action_id);
    cast.lia.fails("says something else under the same id", "action_id_reused", other).await
}

async fn whisper(cast: &Cast) -> Result<()> {
    let text = "You alone see the glint of a bow.";
    let note = json!({"text": text, "to": [cast.lia.player]});
    let ack = cast.gm.does("passes lia a note", Command::new("chat", note)).await?;
    cast.lia.hears(ack.version).await?;
    let after = speak(&cast.lia, "Everybody down!").await?;
    for bot in cast.all() {
        bot.hears(after).await?;
    }
    ensure!(cast.lia.whispers() == [text], "lia heard {:?}", cast.lia.whispers());
    for bot in [&cast.mira, &cast.toma, &cast.oren] {
        ensure!(bot.whispers().is_empty(), "{} heard {:?}", bot.name, bot.whispers());
    }
    Ok(())
}

async fn turn_back(cast: &Cast) -> Result<()> {
    let before = speak(&cast.gm, "The bridge: will you cross it?").await?;
    let burning = json!({"place": "bridge", "light": "fire", "door": "gone"});
    cast.gm.does("burns the bridge down", Command::set("/shared/scene", burning)).await?;
    let back = Command::new("rollback", json!({"to_version": before.to_string()}));
    let ack = cast.gm.does("takes that back", back).await?;
    let scene = state(cast).await?["shared"]["scene"].clone();
    ensure!(scene["place"] == "ford", "after the rollback the scene is {scene}");
    for bot in cast.all() {
        bot.hears(ack.version).await?;
    }
    Ok(())
}

async fn stumble(cast: &Cast) -> Result<()> {
    let away = async {
        speak(&cast.gm, "An arrow hisses past.").await?;
        speak(&cast.toma, "Mira? Are you there?").await
    };
    let (_, last) = tokio::try_join!(cast.mira.stumbles(), away)?;
    cast.mira.hears(last).await?;
    speak(&cast.mira, "Still here.").await?;
    Ok(())
}

async fn pause(cast: &Cast) -> Result<()> {
    let dinner = Command::new("session_pause", json!({"reason": "Dinner"}));
    let ack = cast.gm.does("calls a pause", dinner).await?;
    cast.toma.hears(ack.version).await?;
    let eager = Command::increment("/shared/gold", 1);
    cast.toma.fails("picks up one more coin", "session_paused", eager).await?;
    cast.gm.does("goes on", Command::new("session_resume", json!({}))).await?;
    Ok(())
}

/// The end of the evening.
pub(crate) async fn end(cast: &Cast) -> Result<()> {
    let last = speak(&cast.gm, "So much for the ford. Well played.").await?;
    for bot in cast.all() {
        bot.hears(last).await?;
    }
    for bot in cast.all() {
        let shown = bot.api.load_state(cast.session).await?.state;
        let followed = bot.document().map_err(anyhow::Error::msg)?;
        ensure!(
            followed.state() == &shown,
            "{} followed {} but is shown {shown}",
            bot.name,
            followed.state()
        );
    }
    println!("        each document as followed is the document as shown");
    cast.gm.does("ends the session", Command::new("session_end", json!({}))).await?;
    for bot in cast.all() {
        let code = bot.is_shown_out().await?;
        ensure!(code == SESSION_ENDED, "{} was closed with {code}", bot.name);
    }
    Ok(())
}

/// The document as the game master sees it.
async fn state(cast: &Cast) -> Result<Value> {
    Ok(cast.gm.api.load_state(cast.session).await?.state)
}
