//! A d20 test: all that speaks for and against it, gathered before a die is thrown.
//!
//! Any number of advantages and disadvantages: both present, or none, one d20; else two, of which
//! the higher or lower counts (SRD 5.1 "Advantage and Disadvantage"; SRD 5.2.1 "Advantage/
//! Disadvantage"). The record carries every reason, and whatever had a die thrown again.

use crate::dice::{Modifier, Roll, RollMode, RollReason};
use crate::{Dice, Expression};

/// A d20 test about to be made.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Test {
    modifiers: Vec<Modifier>,
    dice: Vec<(Expression, String)>,
    reasons: Vec<RollReason>,
    fails: bool,
    succeeds: bool,
    /// The d20 counts at least as this.
    least: u32,
    /// The highest face that has a d20 thrown again, and why; one throw for each.
    again: Vec<(u32, String)>,
}

/// Dice of which somebody threw the first d20; the others are thrown here.
struct Told<'a> {
    face: Option<u32>,
    others: &'a mut dyn Dice,
}

impl Dice for Told<'_> {
    fn roll(&mut self, sides: u32) -> u32 {
        self.face.take_if(|_| sides == 20).unwrap_or_else(|| self.others.roll(sides))
    }
}

/// What came of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tested {
    /// The face that counts.
    pub natural: u32,
    /// Record of everything.
    pub roll: Roll,
}

/// Whether an attack roll hits, and whether the die alone makes it critical: a 1 misses and a 20
/// hits whatever is added (SRD 5.1 "Rolling 1 or 20"; SRD 5.2.1 "Rolling 20 or 1").
pub fn hits(natural: u32, total: i64, ac: i32) -> (bool, bool) {
    let hit = natural != 1 && (natural == 20 || total >= i64::from(ac));
    (hit, hit && natural == 20)
}

impl Test {
    /// A test with one number added.
    pub fn new(value: i32, source: &str) -> Self {
        let mut test = Self::default();
        test.add(value, source);
        test
    }

    /// Adds a number.
    pub fn add(&mut self, value: i32, source: &str) {
        if value != 0 {
            self.modifiers.push(Modifier { value: i64::from(value), source: source.to_owned() });
        }
    }

    /// Adds dice.
    pub fn add_dice(&mut self, dice: &Expression, source: &str) {
        self.dice.push((dice.clone(), source.to_owned()));
    }

    /// Something speaks for advantage or disadvantage.
    pub fn reason(&mut self, gives: RollMode, why: impl Into<String>, source_id: Option<String>) {
        self.reasons.push(RollReason { gives, why: why.into(), source_id });
    }

    /// The d20 counts at least as this.
    pub fn at_least(&mut self, face: i32) {
        self.least = self.least.max(u32::try_from(face).unwrap_or(0));
    }

    /// A d20 that shows this or less is thrown again, one of them and once; the new face counts.
    pub fn reroll(&mut self, face: i32, source: &str) {
        self.again.push((u32::try_from(face).unwrap_or(0), source.to_owned()));
    }

    /// It fails without a roll.
    pub fn fail(&mut self) {
        self.fails = true;
    }

    /// It succeeds without a roll.
    pub fn succeed(&mut self) {
        self.succeeds = true;
    }

    /// Whether it succeeds without a roll.
    pub const fn succeeds(&self) -> bool {
        self.succeeds
    }

    /// Whether it fails without a roll.
    pub const fn fails(&self) -> bool {
        self.fails
    }

    /// The numbers added, all told.
    pub fn added(&self) -> i64 {
        self.modifiers.iter().map(|modifier| modifier.value).sum()
    }

    /// How many expressions of dice are added.
    pub fn dice(&self) -> usize {
        self.dice.len()
    }

    /// Whether two d20 are rolled, and which counts.
    pub fn mode(&self) -> RollMode {
        let has = |gives| self.reasons.iter().any(|reason| reason.gives == gives);
        match (has(RollMode::Advantage), has(RollMode::Disadvantage)) {
            (true, false) => RollMode::Advantage,
            (false, true) => RollMode::Disadvantage,
            (true, true) | (false, false) => RollMode::Normal,
        }
    }

    /// As [`Test::roll`], of one d20 that shows this face: it is the one that counts, whatever gave
    /// advantage. Where it is thrown again the new one counts.
    pub fn roll_told(mut self, face: u32, others: &mut dyn Dice) -> Tested {
        let (mode, reasons) = (self.mode(), std::mem::take(&mut self.reasons));
        let tested = self.roll(&mut Told { face: Some(face), others });
        Tested { roll: Roll { mode, reasons, ..tested.roll }, ..tested }
    }

    /// Throws the dice: every d20 first, then those thrown again, then the others in the order they
    /// were added. Of two d20 only one is thrown again, the first that shows such a face (SRD 5.1
    /// "Advantage and Disadvantage"; SRD 5.2.1 "Advantage/Disadvantage", "Interactions with
    /// Rerolls").
    pub fn roll(self, dice: &mut dyn Dice) -> Tested {
        let mode = self.mode();
        let mut faces = vec![dice.roll(20)];
        if mode != RollMode::Normal {
            faces.push(dice.roll(20));
        }
        let mut standing = faces.clone();
        let mut modifiers = self.modifiers;
        for (face, source) in self.again {
            let Some(shown) = standing.iter_mut().find(|shown| **shown <= face) else { continue };
            *shown = dice.roll(20);
            faces.push(*shown);
            // Nothing is added; it says why there is a face more.
            modifiers.push(Modifier { value: 0, source });
        }
        let kept = standing.into_iter();
        let natural = if mode == RollMode::Disadvantage { kept.min() } else { kept.max() };
        let natural = natural.unwrap_or(1).max(self.least);
        for (expression, source) in &self.dice {
            let rolled = expression.roll(dice);
            faces.extend(rolled.faces);
            modifiers.push(Modifier { value: rolled.total, source: source.clone() });
        }
        let added: i64 = modifiers.iter().map(|modifier| modifier.value).sum();
        let roll = Roll {
            expression: "1d20".to_owned(),
            faces,
            kept: vec![natural],
            modifiers,
            mode,
            reasons: self.reasons,
            total: i64::from(natural) + added,
            by: "server".to_owned(),
        };
        Tested { natural, roll }
    }
}
