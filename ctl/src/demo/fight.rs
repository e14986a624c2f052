//! The fight of the demo: four heroes against what waits at the ford, each played by the bot of its
//! player, by what that bot's client shows; the game master's bot plays the rest.
//!
//! The dice are the server's. So that everything that has to be seen is seen, the game master helps
//! where chance does not, and the log says so ([`steer`]).

mod board;
mod choice;
mod heroes;
mod log;
mod monsters;
mod shown;
mod stage;
mod steer;

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use serde::Deserialize;
use serde_json::Value;

use crate::demo::Cast;
use board::Square;
use monsters::Monster;
use stage::Stage;

/// A hero of the party.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Hero {
    /// Name of the bot that plays it.
    player: String,
    name: String,
    /// By what it fights: `fighter`, `cleric`, `wizard`, `rogue`.
    class: String,
    position: Square,
    /// Its `custom` stat block.
    block: Value,
}

/// Who waits, and where.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Encounter {
    grid: Value,
    monsters: Vec<Monster>,
    /// Comes when nobody else is left and something has not been seen yet.
    reserve: Monster,
}

/// What is left of a fight that is over.
pub(super) struct Fought {
    /// What was shown, line by line.
    pub(super) shown: Vec<String>,
    /// What does not hold.
    pub(super) findings: Vec<String>,
}

/// Plays it to its end.
pub(super) async fn play(cast: &Cast) -> Result<Fought> {
    let party: Vec<Hero> =
        serde_json::from_str(include_str!("fight/party.json")).context("read the party")?;
    let encounter: Encounter =
        serde_json::from_str(include_str!("fight/encounter.json")).context("read the encounter")?;
    let classes: BTreeMap<String, String> =
        party.iter().map(|hero| (hero.name.clone(), hero.class.clone())).collect();
    let mut stage = Stage::new(cast, classes, &encounter);
    stage.start(&party).await?;
    stage.fight().await?;
    stage.finish().await
}
