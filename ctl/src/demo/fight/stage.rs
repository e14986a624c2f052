//! Who acts, in which order: turns are taken and questions answered until one side is down.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail, ensure};
use gss_client::{Command, Document, Message};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::board::{Board, Fighter};
use super::choice::{Act, Turn};
use super::log::Log;
use super::monsters::Monster;
use super::shown::Shown;
use super::{Encounter, Fought, Hero, heroes, monsters};
use crate::demo::Cast;
use crate::demo::bot::Bot;

/// Rounds after which the game master ends it.
const ROUNDS: u64 = 20;
/// What somebody may do in one turn, refusals included.
const ACTS: usize = 20;

/// The sides.
pub(super) const PARTY: &str = "party";
pub(super) const ENEMIES: &str = "enemies";

/// A fight on the way.
pub(super) struct Stage<'a> {
    pub(super) cast: &'a Cast,
    pub(super) encounter: &'a Encounter,
    pub(super) shown: Shown,
    pub(super) log: Log,
    /// Class of each hero by its name.
    classes: BTreeMap<String, String>,
    /// Messages of the game master's that were read.
    read: usize,
    /// The last version that is for everybody.
    common: u64,
    commitment: Option<String>,
    seed: Option<String>,
    findings: Vec<String>,
    commands: usize,
    refused: usize,
    compared: usize,
}

impl<'a> Stage<'a> {
    pub(super) fn new(
        cast: &'a Cast,
        classes: BTreeMap<String, String>,
        encounter: &'a Encounter,
    ) -> Self {
        Self {
            cast,
            encounter,
            shown: Shown::default(),
            log: Log::new(),
            classes,
            read: cast.gm.messages(0).len(),
            common: 0,
            commitment: None,
            seed: None,
            findings: Vec::new(),
            commands: 0,
            refused: 0,
            compared: 0,
        }
    }

    /// Everybody takes place and rolls initiative.
    pub(super) async fn start(&mut self, party: &[Hero]) -> Result<()> {
        let cast = self.cast;
        let mut combatants = Vec::new();
        for hero in party {
            let bot = cast.players().into_iter().find(|bot| bot.name == hero.player);
            let bot = bot.with_context(|| format!("nobody plays {}", hero.name))?;
            combatants.push(json!({
                "character_id": bot.character, "name": hero.name, "kind": "character",
                "side": PARTY, "owner_id": bot.player, "position": hero.position,
                "custom": hero.block,
            }));
        }
        combatants.extend(self.encounter.monsters.iter().map(monster));
        let start = json!({
            "combatants": combatants, "grid": self.encounter.grid,
            "options": {"name": "The ford at dusk", "initiative": "npcs"},
        });
        self.must(&cast.gm, Command::new("combat_start", start)).await?;
        for bot in cast.players() {
            let roll = json!({"character_id": bot.character});
            self.must(bot, Command::new("initiative_roll", roll)).await?;
        }
        Ok(())
    }

    /// Turn after turn until one side is down, or for [`ROUNDS`] rounds.
    pub(super) async fn fight(&mut self) -> Result<()> {
        let mut last = 0;
        loop {
            self.settle().await?;
            let board = self.board()?;
            let round = self.round()?;
            if round != last {
                last = round;
                self.compare().await?;
                if round > ROUNDS {
                    return self.end("Night falls; both sides let go").await;
                }
                self.steer(&board, round).await?;
                continue;
            }
            let over = match (board.stands(PARTY), board.stands(ENEMIES)) {
                (_, false) => Some("The way over the ford is free"),
                (false, true) => Some("The party is beaten"),
                (true, true) => None,
            };
            match over {
                Some(text) if self.shown.missing().is_empty() => return self.end(text).await,
                Some(_) => self.go_on(&board).await?,
                None => {}
            }
            self.turn().await?;
        }
    }

    async fn end(&mut self, text: &str) -> Result<()> {
        self.compare().await?;
        let cast = self.cast;
        self.must(&cast.gm, Command::new("combat_end", json!({"reason": text}))).await
    }

    /// The seed is the one that was committed to, and everybody holds what it is shown anew.
    pub(super) async fn finish(mut self) -> Result<Fought> {
        self.compare().await?;
        let (commitment, seed) = (self.commitment.take(), self.seed.take());
        if committed_to(seed.as_deref()) == commitment && commitment.is_some() {
            println!("        the seed is the one that was committed to");
        } else {
            let finding = format!("the seed {seed:?} is not what {commitment:?} was made of");
            self.findings.push(finding);
        }
        let missing = self.shown.missing();
        self.findings.extend(missing.iter().map(|missing| format!("{missing} was not shown")));
        let (commands, refused, compared) = (self.commands, self.refused, self.compared);
        let mut shown = vec![format!(
            "fight: {commands} commands, {refused} refused; documents compared {compared} times"
        )];
        shown.extend(self.shown.lines());
        Ok(Fought { shown, findings: self.findings })
    }

    /// The turn of whose it is, by what its own client shows.
    async fn turn(&mut self) -> Result<()> {
        let active = self.board()?.active.context("it is nobody's turn")?;
        let bot = self.played_by(active);
        let mut turn = Turn::default();
        for _ in 0..ACTS {
            bot.hears(self.common).await?;
            let board = Board::read(document(bot)?.get("/combat")).context("the fight is gone")?;
            if board.active != Some(active) {
                return Ok(());
            }
            let me = board.get(active).context("the one whose turn it is is not shown")?;
            let Some(act) = self.choose(&board, me, &turn)? else { break };
            if self.send(bot, act.command()).await?.is_ok() {
                turn.count(&act);
            } else {
                turn.refused.push(act);
            }
            self.settle().await?;
        }
        self.must(bot, Command::new("turn_end", json!({"character_id": active}))).await
    }

    fn choose(&self, board: &Board, me: &Fighter, turn: &Turn) -> Result<Option<Act>> {
        if let Some(class) = self.classes.get(&me.name) {
            return Ok(heroes::next(class, board, me, turn, &self.shown));
        }
        let reserve = [&self.encounter.reserve];
        let mut known = self.encounter.monsters.iter().chain(reserve);
        let monster = known.find(|monster| monster.name == me.name);
        let monster = monster.with_context(|| format!("nobody knows how {} fights", me.name))?;
        Ok(monsters::next(monster, board, me, turn, &self.shown))
    }

    /// Answers open questions, each by the bot that is asked.
    async fn settle(&mut self) -> Result<()> {
        loop {
            let seen = document(&self.cast.gm)?;
            let prompts = seen.get("/combat/prompts").and_then(Value::as_object);
            let Some((id, asked)) = prompts.and_then(|prompts| prompts.iter().next()) else {
                return Ok(());
            };
            let who = asked["character_id"].as_str().and_then(|who| who.parse().ok());
            let bot = self.played_by(who.context("a question to nobody")?);
            bot.is_asked(id).await?;
            let own = document(bot)?;
            let asked = own.get(&format!("/combat/prompts/{id}"));
            self.must(bot, answer(id, asked.context("the question is gone")?)).await?;
        }
    }

    /// Whether somebody has a spell to concentrate on.
    pub(super) fn can_concentrate(&self, who: &Fighter) -> bool {
        self.classes.get(&who.name).is_some_and(|class| class == "cleric")
    }

    /// The bot that commands somebody.
    fn played_by(&self, who: Uuid) -> &'a Bot {
        let cast = self.cast;
        let player = cast.players().into_iter().find(|bot| bot.character == Some(who));
        player.unwrap_or(&cast.gm)
    }

    /// Sends what cannot be refused.
    pub(super) async fn must(&mut self, bot: &Bot, command: Command) -> Result<()> {
        let kind = command.kind.clone();
        match self.send(bot, command).await? {
            Ok(()) => Ok(()),
            Err(code) => bail!("{}: {kind}: refused {code}", bot.name),
        }
    }

    /// Sends a command and tells what came of it; Err: the code of the refusal.
    pub(super) async fn send(&mut self, bot: &Bot, command: Command) -> Result<Result<(), String>> {
        self.commands += 1;
        let said = Value::Object(command.data.clone());
        let kind = command.kind.clone();
        match bot.tries(command).await? {
            Ok(ack) => {
                self.cast.gm.hears(ack.version).await?;
                self.listen();
                Ok(Ok(()))
            }
            Err(code) => {
                self.refused += 1;
                let what = said["action_type"].as_str().unwrap_or(&kind);
                self.log.aside(&format!("{} may not: {what} {said} [{code}]", bot.name));
                Ok(Err(code))
            }
        }
    }

    /// Reads what the game master was told since.
    fn listen(&mut self) {
        let messages = self.cast.gm.messages(self.read);
        self.read += messages.len();
        for message in &messages {
            self.log.write(message);
            self.shown.count(message);
            self.note(message);
        }
    }

    fn note(&mut self, message: &Message) {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        match message.kind.as_str() {
            "combat_started" => {
                let combat = message.data.get("combat");
                self.commitment = combat.and_then(|combat| text(&combat["seed_commitment"]));
            }
            "combat_ended" => self.seed = message.data.get("seed").and_then(text),
            // Those are for who is asked.
            "reaction_prompt" | "choice_prompt" | "dice_prompt" => return,
            _ => {}
        }
        self.common = self.common.max(message.version.unwrap_or(0));
    }

    fn board(&self) -> Result<Board> {
        let seen = document(&self.cast.gm)?;
        Board::read(seen.get("/combat")).context("the fight is gone")
    }

    fn round(&self) -> Result<u64> {
        let seen = document(&self.cast.gm)?;
        let round = seen.get("/combat/round").and_then(Value::as_u64);
        round.context("a fight without rounds")
    }

    /// What every client followed is what it would be sent anew.
    async fn compare(&mut self) -> Result<()> {
        for bot in self.cast.all() {
            bot.hears(self.common).await?;
            let shown = bot.api.load_state(self.cast.session).await?.state;
            let followed = document(bot)?;
            ensure!(
                followed.state() == &shown,
                "{} followed {} but is shown {shown}",
                bot.name,
                followed.state()
            );
        }
        self.compared += 1;
        Ok(())
    }
}

/// A monster as `combatants` has it.
pub(super) fn monster(monster: &Monster) -> Value {
    json!({
        "name": monster.name, "kind": "monster", "side": ENEMIES,
        "stat_block": monster.stat_block, "position": monster.position,
    })
}

fn document(bot: &Bot) -> Result<Document> {
    bot.document().map_err(anyhow::Error::msg)
}

/// Reactions are taken, with a weapon where there is one; of a choice the default.
fn answer(id: &str, asked: &Value) -> Command {
    if asked.get("trigger").is_none() {
        let choice = json!({"prompt_id": id, "choice": asked["default"]});
        return Command::new("choice", choice);
    }
    let options = asked["options"].as_array().into_iter().flatten();
    let options = options.filter_map(|option| option["option"].as_str());
    let armed = |option: &&str| !matches!(*option, "unarmed" | "improvised");
    let option = options.clone().find(armed).or_else(|| options.clone().next());
    Command::new("reaction", json!({"prompt_id": id, "accept": true, "option": option}))
}

/// What is said of a seed before.
fn committed_to(seed: Option<&str>) -> Option<String> {
    let seed = seed?;
    let digits = |at: usize| seed.get(at..at + 2).and_then(|two| u8::from_str_radix(two, 16).ok());
    let bytes: Option<Vec<u8>> = (0..seed.len()).step_by(2).map(digits).collect();
    Some(Sha256::digest(bytes?).iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commitment_is_the_sha_256_of_the_seeds_bytes() {
        let of_zeros = "66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925";
        assert_eq!(committed_to(Some(&"0".repeat(64))).as_deref(), Some(of_zeros));
        assert_eq!(committed_to(Some("xy")), None);
        assert_eq!(committed_to(None), None);
    }

    #[test]
    fn a_weapon_is_taken_before_a_fist_and_the_default_of_a_choice() {
        let options = json!([{"option": "unarmed"}, {"option": "mace"}]);
        let asked = json!({"trigger": {"kind": "leaves_reach"}, "options": options});
        assert_eq!(answer("p", &asked).data["option"], "mace");
        let chosen = answer("p", &json!({"default": "keep", "options": []}));
        assert_eq!((chosen.kind.as_str(), &chosen.data["choice"]), ("choice", &json!("keep")));
    }
}
