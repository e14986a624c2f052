//! Dice thrown for somebody: by the server, or asked of a player who has dice of its own.

use super::{Flow, Resolver};
use crate::combat::{Answer, CombatantId, Fact, Purpose, Question, Test};
use crate::{Dice, Roll};

/// Learns which dice a throw takes. Shows a face in the middle: one that is neither thrown again
/// nor added to.
#[derive(Default)]
struct Sides(Vec<u32>);

impl Dice for Sides {
    fn roll(&mut self, sides: u32) -> u32 {
        self.0.push(sides);
        sides.div_ceil(2)
    }
}

/// Faces that a player told; what has to be thrown besides, the server throws.
struct Told<'d> {
    faces: std::vec::IntoIter<u32>,
    rest: &'d mut dyn Dice,
}

impl Dice for Told<'_> {
    fn roll(&mut self, sides: u32) -> u32 {
        self.faces.next().unwrap_or_else(|| self.rest.roll(sides)).min(sides)
    }
}

/// What came of a throw.
#[derive(Clone, Copy, Debug)]
pub(super) struct Thrown {
    /// The first face that counts.
    pub(super) natural: u32,
    /// All told.
    pub(super) total: i64,
}

impl Resolver<'_> {
    /// Throws dice for somebody and tells it.
    pub(super) fn roll(
        &mut self,
        who: CombatantId,
        purpose: Purpose,
        throw: impl FnOnce(&mut dyn Dice) -> Roll + Clone,
    ) -> Flow<Thrown> {
        let owner = self.combat.combatant(who).and_then(|who| who.owner);
        let player = owner.filter(|owner| self.combat.physical_dice.contains(owner));
        // How many dice are asked for would tell whether anybody is on the square.
        let player = player.filter(|_| !purpose.is_secret());
        let mut sides = Sides::default();
        if player.is_some() {
            throw.clone()(&mut sides);
        }
        let roll = match player.filter(|_| !sides.0.is_empty()) {
            None => throw(&mut self.faces),
            Some(player) => {
                let question = Question::Dice { sides: sides.0, purpose: purpose.clone() };
                match self.ask(who, question)? {
                    Answer::Faces { faces } => {
                        let mut told = Told { faces: faces.into_iter(), rest: &mut self.faces };
                        Roll { by: player.to_string(), ..throw(&mut told) }
                    }
                    _ => throw(&mut self.faces),
                }
            }
        };
        if matches!(purpose, Purpose::Check { .. } | Purpose::Ability { .. }) {
            self.checked.push_back(who);
        }
        let natural = roll.kept.first().copied().unwrap_or(1);
        let thrown = Thrown { natural, total: roll.total };
        self.tell(Fact::Rolled { who, purpose, roll });
        Ok(thrown)
    }

    /// Makes a d20 test for somebody and tells it.
    pub(super) fn test(&mut self, who: CombatantId, purpose: Purpose, test: Test) -> Flow<Thrown> {
        self.roll(who, purpose, move |dice| test.roll(dice).roll)
    }
}
