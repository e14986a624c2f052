//! Dice thrown for somebody: by the server, or asked of a player who has dice of its own.

use uuid::Uuid;

use super::{Flow, Resolver};
use crate::combat::{Answer, CombatantId, Fact, Purpose, Question, Test};
use crate::{Dice, Roll};

/// Faces that a player told. What has to be thrown besides shows a face in the middle, one that is
/// neither thrown again nor added to, and is asked for.
struct Told<'f> {
    faces: std::slice::Iter<'f, u32>,
    missing: Vec<u32>,
}

impl Dice for Told<'_> {
    fn roll(&mut self, sides: u32) -> u32 {
        if let Some(face) = self.faces.next() {
            return (*face).min(sides);
        }
        self.missing.push(sides);
        sides.div_ceil(2)
    }
}

/// Faces that a player told; what has to be thrown besides, the server throws.
struct Helped<'d> {
    faces: std::vec::IntoIter<u32>,
    rest: &'d mut dyn Dice,
}

impl Dice for Helped<'_> {
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

    /// Has a player throw for somebody: all dice at once, then those that are thrown again or besides.
    fn thrown_by(
        &mut self,
        who: CombatantId,
        player: Uuid,
        purpose: &Purpose,
        throw: impl FnOnce(&mut dyn Dice) -> Roll + Clone,
    ) -> Flow<Roll> {
        let mut faces = Vec::new();
        loop {
            let mut told = Told { faces: faces.iter(), missing: Vec::new() };
            let roll = throw.clone()(&mut told);
            let sides = told.missing;
            let by = if faces.is_empty() { roll.by.clone() } else { player.to_string() };
            if sides.is_empty() {
                return Ok(Roll { by, ..roll });
            }
            match self.ask(who, Question::Dice { sides, purpose: purpose.clone() })? {
                Answer::Faces { faces: more } => faces.extend(more),
                _ => {
                    let mut helped = Helped { faces: faces.into_iter(), rest: &mut self.faces };
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
