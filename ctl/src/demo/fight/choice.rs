//! What a bot may do next, best first.

use gss_client::Command;
use serde_json::{Value, json};
use uuid::Uuid;

use super::board::{Board, Fighter, Square};

/// Something that can be declared.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Act {
    who: Uuid,
    kind: &'static str,
    targets: Vec<Uuid>,
    details: Value,
}

/// What somebody did in its turn so far.
#[derive(Clone, Default, Debug)]
pub(super) struct Turn {
    /// Attacks of its action.
    pub(super) attacks: usize,
    /// With what the last of them was made.
    last: String,
    off_hand: bool,
    pub(super) moves: usize,
    /// Cast a spell from a slot.
    slot: bool,
    /// What was refused, which is not tried again.
    pub(super) refused: Vec<Act>,
}

/// Choices in a turn of somebody.
pub(super) struct Choices<'a> {
    pub(super) board: &'a Board,
    pub(super) me: &'a Fighter,
    pub(super) turn: &'a Turn,
    acts: Vec<Act>,
}

impl Act {
    pub(super) fn command(&self) -> Command {
        let data = json!({
            "character_id": self.who, "action_type": self.kind, "targets": self.targets,
            "details": self.details,
        });
        Command::new("action_declare", data)
    }
}

impl Turn {
    /// Takes note of an act that was accepted.
    pub(super) fn count(&mut self, act: &Act) {
        match act.kind {
            "attack" if act.details.get("options") == Some(&json!(["off_hand"])) => {
                self.off_hand = true;
            }
            "attack" => {
                self.attacks += 1;
                let with = act.details["attack_id"].as_str().unwrap_or_default();
                with.clone_into(&mut self.last);
            }
            "move" => self.moves += 1,
            "cast" => self.slot |= act.details["slot_level"] != 0,
            _ => {}
        }
    }
}

impl<'a> Choices<'a> {
    pub(super) fn new(board: &'a Board, me: &'a Fighter, turn: &'a Turn) -> Self {
        Self { board, me, turn, acts: Vec::new() }
    }

    /// The best that was not refused. None: the turn is over.
    pub(super) fn best(self) -> Option<Act> {
        self.acts.into_iter().find(|act| !self.turn.refused.contains(act))
    }

    pub(super) fn add(&mut self, kind: &'static str, targets: &[Uuid], details: Value) {
        self.acts.push(Act { who: self.me.id, kind, targets: targets.to_vec(), details });
    }

    /// Gets up from the ground.
    pub(super) fn stand_up(&mut self) {
        let held = ["grappled", "restrained", "incapacitated"];
        if self.me.is("prone") && !held.iter().any(|held| self.me.is(held)) {
            self.add("stand_up", &[], json!({}));
        }
    }

    /// An attack of its action, of which it has `most`.
    pub(super) fn attack(&mut self, most: usize, target: &Fighter, id: &str, options: &[&str]) {
        if self.turn.attacks < most && (self.me.action || self.turn.attacks > 0) {
            let details = if options.is_empty() {
                json!({ "attack_id": id })
            } else {
                json!({"attack_id": id, "options": options})
            };
            self.add("attack", &[target.id], details);
        }
    }

    /// The extra attack of a second light weapon, after one with another.
    pub(super) fn off_hand(&mut self, target: &Fighter, after: &str, id: &str) {
        if self.turn.last == after && self.me.bonus_action && !self.turn.off_hand {
            let details = json!({"attack_id": id, "options": ["off_hand"], "cost": "bonus_action"});
            self.add("attack", &[target.id], details);
        }
    }

    /// A spell from a slot of this level, 0 for a cantrip, with the action or as a bonus action.
    pub(super) fn cast(&mut self, spell: &str, level: u8, targets: &[Uuid], bonus_action: bool) {
        let time = if bonus_action { self.me.bonus_action } else { self.me.action };
        let paid = level == 0 || (self.me.slots(level) > 0 && !self.turn.slot);
        if time && paid && !targets.is_empty() {
            let mut details = json!({"spell": spell, "slot_level": level});
            if bonus_action {
                details["cost"] = json!("bonus_action");
            }
            self.add("cast", targets, details);
        }
    }

    /// A walk to the square of the least score; once in a turn, or again after a dash.
    pub(super) fn walk(&mut self, most: usize, score: impl Fn(Square) -> i32) {
        let held = ["grappled", "restrained", "prone"];
        if self.turn.moves >= most || held.iter().any(|held| self.me.is(held)) {
            return;
        }
        let path = self.board.way(self.me, score);
        if !path.is_empty() {
            self.add("move", &[], json!({ "path": path }));
        }
    }

    /// A walk until somebody is within so many feet, or as near as it gets.
    pub(super) fn approach(&mut self, target: &Fighter, within_ft: i32) {
        if self.me.feet_to(target) > within_ft {
            self.walk(1, |at| self.me.feet_from(at, target).max(within_ft));
        }
    }

    /// A walk away from all enemies, no further than it takes.
    pub(super) fn withdraw(&mut self, apart_ft: i32) {
        let nearest = |at| {
            let feet = self.board.enemies(self.me).map(|enemy| self.me.feet_from(at, enemy));
            feet.min().unwrap_or(i32::MAX).min(apart_ft)
        };
        self.walk(1, |at| -nearest(at));
    }
}
