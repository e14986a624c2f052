//! Dice thrown for somebody: by the server, or asked of a player who has dice of its own.

use uuid::Uuid;

use super::{Flow, Resolver};
use crate::combat::{Answer, CombatantId, Fact, Purpose, Question, Test};
use crate::{Dice, Roll};

/// Faces that a player told, each with the sides that it was asked of: a die thrown again in the
/// middle takes no other's face.
#[derive(Clone, Default)]
struct Faces(Vec<(u32, u32)>);

impl Faces {
    /// The next one of so many sides.
    fn next_of(&mut self, sides: u32) -> Option<u32> {
        let at = self.0.iter().position(|(of, _)| *of == sides)?;
        Some(self.0.remove(at).1.min(sides))
    }
}

/// Faces that a player told. What has to be thrown besides shows a face in the middle, one that is
/// neither thrown again nor added to, and is asked for.
struct Told {
    faces: Faces,
    missing: Vec<u32>,
}

impl Dice for Told {
    fn roll(&mut self, sides: u32) -> u32 {
        if let Some(face) = self.faces.next_of(sides) {
            return face;
        }
        self.missing.push(sides);
        sides.div_ceil(2)
    }
}

/// Faces that a player told; what has to be thrown besides, the server throws.
struct Helped<'d> {
    faces: Faces,
    rest: &'d mut dyn Dice,
}

impl Dice for Helped<'_> {
    fn roll(&mut self, sides: u32) -> u32 {
        self.faces.next_of(sides).unwrap_or_else(|| self.rest.roll(sides))
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
        let player = self.thrower(who);
        // How many dice are asked for would tell whether anybody is on the square.
        let player = player.filter(|_| !purpose.is_secret());
        let roll = match player {
            None => throw(&mut self.faces),
            Some(player) => self.thrown_by(who, player, &purpose, throw)?,
        };
        if matches!(purpose, Purpose::Check { .. } | Purpose::Ability { .. }) {
            self.checked.push_back(who);
        }
        let natural = roll.kept.first().copied().unwrap_or(1);
        let thrown = Thrown { natural, total: roll.total };
        self.tell(Fact::Rolled { who, purpose, roll });
        Ok(thrown)
    }

    /// Whether a player throws dice of its own for somebody.
    pub(super) fn throws_itself(&self, who: CombatantId) -> bool {
        self.thrower(who).is_some()
    }

    fn thrower(&self, who: CombatantId) -> Option<Uuid> {
        let owner = self.combat.owner(who);
        owner.filter(|owner| self.combat.physical_dice.contains(owner))
    }

    /// Has a player throw for somebody: all dice at once, then those that are thrown again or besides.
    fn thrown_by(
        &mut self,
        who: CombatantId,
        player: Uuid,
        purpose: &Purpose,
        throw: impl FnOnce(&mut dyn Dice) -> Roll + Clone,
    ) -> Flow<Roll> {
        let mut faces = Faces::default();
        loop {
            let mut told = Told { faces: faces.clone(), missing: Vec::new() };
            let roll = throw.clone()(&mut told);
            let sides = told.missing;
            let by = if faces.0.is_empty() { roll.by.clone() } else { player.to_string() };
            if sides.is_empty() {
                return Ok(Roll { by, ..roll });
            }
            let question = Question::Dice { sides: sides.clone(), purpose: purpose.clone() };
            match self.ask(who, question)? {
                Answer::Faces { faces: more } => faces.0.extend(sides.into_iter().zip(more)),
                _ => {
                    let mut helped = Helped { faces, rest: &mut self.faces };
                    return Ok(Roll { by, ..throw(&mut helped) });
                }
            }
        }
    }

    /// Makes a d20 test for somebody and tells it.
    pub(super) fn test(&mut self, who: CombatantId, purpose: Purpose, test: Test) -> Flow<Thrown> {
        self.roll(who, purpose, move |dice| test.roll(dice).roll)
    }
}
