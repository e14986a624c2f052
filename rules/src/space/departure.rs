//! Leaving somebody's reach (SRD 5.1 "Opportunity Attacks"; SRD 5.2.1 "Opportunity Attacks").

use super::distance::within_ft;
use super::place::Space;
use crate::rule_set::{Diagonals, Edition};

/// By what a creature moves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MoveCause {
    /// Its movement.
    Movement,
    /// An action of its own.
    Action,
    /// A bonus action of its own.
    BonusAction,
    /// A reaction of its own.
    Reaction,
    /// It goes from one place to another without being in between.
    Teleport,
    /// Somebody or something moves it: a push, a fall, an explosion.
    Moved,
}

/// A step of a creature.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Departure {
    /// Where it was.
    pub from: Space,
    /// Where it goes.
    pub to: Space,
    /// By what.
    pub cause: MoveCause,
    /// It took the Disengage action in this turn.
    pub disengaged: bool,
}

/// Somebody that may attack as a reaction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Watcher {
    /// Where it is.
    pub space: Space,
    /// Feet that its melee attacks reach.
    pub reach_ft: i32,
    /// Hostile to the one that moves.
    pub hostile: bool,
    /// It sees the one that moves.
    pub sees: bool,
    /// It may take a reaction: none taken since its turn, not incapacitated.
    pub reaction: bool,
    /// It may attack this creature: it is not charmed by it.
    pub may_attack: bool,
}

impl Departure {
    /// Whether the step leads out of this creature's reach, however it is made.
    pub fn leaves_reach(&self, watcher: &Watcher, diagonals: Diagonals) -> bool {
        let within = |space| within_ft(space, watcher.space, watcher.reach_ft, diagonals);
        within(self.from) && !within(self.to)
    }

    /// Whether the step lets this creature make an opportunity attack right before it.
    pub fn provokes(&self, watcher: &Watcher, rule: Edition, diagonals: Diagonals) -> bool {
        let own = match self.cause {
            MoveCause::Movement | MoveCause::Action | MoveCause::Reaction => true,
            // SRD 5.1 names movement, action and reaction only.
            MoveCause::BonusAction => rule == Edition::E52,
            MoveCause::Teleport | MoveCause::Moved => false,
        };
        let able = watcher.hostile && watcher.sees && watcher.reaction && watcher.may_attack;
        own && !self.disengaged && able && self.leaves_reach(watcher, diagonals)
    }
}
