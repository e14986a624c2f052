//! What the game master does so that everything is seen that has to be, whatever the dice say.

use anyhow::Result;
use gss_client::Command;
use serde_json::{Value, json};

use super::board::{Board, Fighter, Square};
use super::stage::{ENEMIES, PARTY, Stage, monster};

/// Round in which poison comes into play.
const POISON: u64 = 2;
/// Rounds after which chance had its time: for a concentration check, for somebody to fall, for a
/// death save.
const FIRE: u64 = 3;
const BLOW: u64 = 4;
const FALL: u64 = 5;

impl Stage<'_> {
    /// At the start of a round.
    pub(super) async fn steer(&mut self, board: &Board, round: u64) -> Result<()> {
        if round == POISON {
            self.poison(board).await?;
        }
        if round >= FIRE && self.shown.concentration_checks == 0 {
            self.burn(board).await?;
        }
        if round >= BLOW && !self.shown.fell {
            self.wound(board, 1, "A beam of the old bridge comes down").await?;
        }
        if round >= FALL && self.shown.death_saves == 0 && !is_dying(board) {
            self.wound(board, 0, "The river takes its toll").await?;
        }
        Ok(())
    }

    /// One side is down, and something was not seen yet.
    pub(super) async fn go_on(&mut self, board: &Board) -> Result<()> {
        if !board.stands(PARTY) {
            if self.shown.death_saves == 0 && is_dying(board) {
                return Ok(());
            }
            return self.help_up(board).await;
        }
        if self.shown.opportunity_attacks == 0 && !board.stands(ENEMIES) {
            return self.reinforce(board).await;
        }
        if self.shown.concentration_checks == 0 {
            self.burn(board).await?;
        }
        if self.shown.death_saves == 0 && !is_dying(board) {
            self.wound(board, 0, "The river takes its toll").await?;
        }
        Ok(())
    }

    /// A poisoned dart for the hero in front.
    async fn poison(&mut self, board: &Board) -> Result<()> {
        let front = heroes(board).max_by_key(|hero| hero.at.map(|[x, _]| x));
        let Some(hero) = front else { return Ok(()) };
        let effect = json!({
            "name": "Poisoned dart", "key": "poisoned-dart", "duration": {"kind": "rounds", "rounds": 3},
            "conditions": ["poisoned"], "save_ends": {"ability": "con", "dc": 13},
        });
        self.apply(hero, effect, "a dart flies out of the reeds").await
    }

    /// Fire under who concentrates.
    async fn burn(&mut self, board: &Board) -> Result<()> {
        let Some(hero) = heroes(board).find(|hero| hero.concentrates) else {
            let down = |hero: &&Fighter| self.can_concentrate(hero) && !hero.is_up();
            return match board.all.iter().find(down) {
                Some(hero) => self.raise(&hero.clone()).await,
                None => Ok(()),
            };
        };
        let effect = json!({
            "name": "Burning oil", "key": "burning-oil", "duration": {"kind": "rounds", "rounds": 2},
            "damage": {"dice": [{"dice": "1d6", "type": "fire"}], "edge": "start"},
        });
        self.apply(hero, effect, "nobody had to fight for concentration yet: a jar of oil").await
    }

    async fn apply(&mut self, hero: &Fighter, effect: Value, why: &str) -> Result<()> {
        self.log.aside(&format!("the game master: {why}"));
        let cast = self.cast;
        let apply = json!({"effect": effect, "target_ids": [hero.id]});
        self.must(&cast.gm, Command::new("effect_apply", apply)).await
    }

    /// The hero with the least hit points is left with so many.
    async fn wound(&mut self, board: &Board, hp: i64, reason: &str) -> Result<()> {
        let weakest = heroes(board).min_by_key(|hero| hero.hp);
        let Some(hero) = weakest else { return Ok(()) };
        if hero.hp.is_none_or(|(current, _)| current > hp) {
            self.log.aside("the game master: nobody lies dying yet");
            self.update(hero, json!({"hp": {"current": hp}}), reason).await?;
        }
        Ok(())
    }

    /// Everybody who is down is up again.
    async fn help_up(&mut self, board: &Board) -> Result<()> {
        for hero in board.all.iter().filter(|hero| hero.side == PARTY) {
            self.raise(hero).await?;
        }
        Ok(())
    }

    async fn raise(&mut self, hero: &Fighter) -> Result<()> {
        let Some((_, max)) = hero.hp else { return Ok(()) };
        let fields = json!({
            "alive": true, "hp": {"current": max}, "conditions_remove": ["unconscious"],
        });
        self.update(hero, fields, "A hermit steps out of the reeds with a draught").await
    }

    async fn update(&mut self, hero: &Fighter, fields: Value, reason: &str) -> Result<()> {
        let cast = self.cast;
        let update = json!({"character_id": hero.id, "fields": fields, "reason": reason});
        self.must(&cast.gm, Command::new("combatant_update", update)).await
    }

    /// One more comes out of the reeds, beside a hero where there is room.
    async fn reinforce(&mut self, board: &Board) -> Result<()> {
        self.log.aside("the game master: nobody was struck at in leaving yet");
        let near: Vec<Square> = heroes(board)
            .filter_map(|hero| hero.at)
            .flat_map(|[x, y]| [[x + 1, y], [x, y + 1], [x, y - 1], [x - 1, y]])
            .collect();
        let cast = self.cast;
        for at in near {
            let mut one_more = monster(&self.encounter.reserve);
            one_more["position"] = json!(at);
            one_more["initiative"] = json!(1);
            let add = Command::new("combatant_add", json!({"combatant": one_more}));
            if self.send(&cast.gm, add).await?.is_ok() {
                break;
            }
        }
        Ok(())
    }
}

/// Heroes on their feet.
fn heroes(board: &Board) -> impl Iterator<Item = &Fighter> {
    board.all.iter().filter(|fighter| fighter.side == PARTY && fighter.is_up())
}

fn is_dying(board: &Board) -> bool {
    board.all.iter().any(|fighter| fighter.side == PARTY && fighter.health == "dying")
}
