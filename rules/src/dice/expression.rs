//! A dice expression, and what it comes to with given dice.

use serde::{Deserialize, Serialize};

use super::parse::{self, ExpressionError};
use super::roll::{Modifier, Roll, RollMode};
use super::{Dice, FACES, REROLLS_PER_DIE};

/// A parsed expression: terms added up. `2d6+3`, `4d6kh3`, `1d20-1d4`, `3d6!`, `2d6rr1`, `d%`,
/// `(1d6+2)*2`, `8d6/2`; quotients are rounded down.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Expression {
    pub(super) text: String,
    pub(super) sum: Sum,
}

/// Terms added up.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Sum(pub(super) Vec<(Sign, Term)>);

/// Whether a term is added or taken off.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Sign {
    Plus,
    Minus,
}

impl Sign {
    pub(super) fn of(self, value: i64) -> i64 {
        match self {
            Self::Plus => value,
            Self::Minus => -value,
        }
    }
}

/// One summand.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Term {
    Constant(i64),
    Pool(Pool),
    /// In parentheses.
    Group(Sum),
    Product(Box<Term>, Box<Term>),
    /// Rounded down; the divisor is positive.
    Quotient(Box<Term>, i64),
}

/// Dice thrown together.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Pool {
    pub(super) count: usize,
    pub(super) sides: u32,
    /// Thrown again at its highest face, so often at most.
    pub(super) explodes: Option<usize>,
    pub(super) reroll_once: Vec<u32>,
    pub(super) reroll_again: Vec<u32>,
    pub(super) keep: Option<Keep>,
}

/// Which dice of a pool count.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Keep {
    Highest(usize),
    Lowest(usize),
    DropHighest(usize),
    DropLowest(usize),
}

impl Expression {
    /// Reads an expression.
    ///
    /// # Errors
    /// [`ExpressionError`] names what is wrong and where.
    pub fn parse(text: &str) -> Result<Self, ExpressionError> {
        parse::expression(text)
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The least it can come to; none: explosions that are taken off know no bound.
    pub fn minimum(&self) -> Option<i64> {
        self.sum.range().least()
    }

    /// The most it can come to; none: explosions know no bound.
    pub fn maximum(&self) -> Option<i64> {
        self.sum.range().greatest()
    }

    /// The mean of the least and the most, rounded down: of dice and numbers added up, what is
    /// printed beside them (SRD 5.1 "Monsters", "Hit Points"; SRD 5.2.1 "Damage Notation").
    pub fn average(&self) -> Option<i64> {
        Some((self.minimum()? + self.maximum()?).div_euclid(2))
    }

    /// Rolls it. At most [`FACES`] faces are drawn: dice written in the expression always, then
    /// explosions and rerolls as long as there is room.
    pub fn roll(&self, dice: &mut dyn Dice) -> Roll {
        self.roll_times(1, dice)
    }

    /// Rolls it as a critical hit does: every die twice, numbers once (SRD 5.1 "Critical Hits";
    /// SRD 5.2.1 "Critical Hits"). Content of at most [`FACES`] / 2 dice is expected.
    pub fn roll_critical(&self, dice: &mut dyn Dice) -> Roll {
        self.roll_times(2, dice)
    }

    fn roll_times(&self, times: usize, dice: &mut dyn Dice) -> Roll {
        let written = self.sum.dice() * times;
        let spare = FACES.saturating_sub(written);
        let faces = Vec::with_capacity(written);
        let mut table = Table { dice, faces, kept: Vec::new(), spare, times };
        let mut modifiers = Vec::new();
        let mut total = 0;
        for (sign, term) in &self.sum.0 {
            let value = sign.of(term.roll(&mut table));
            total += value;
            if matches!(term, Term::Constant(_)) {
                modifiers.push(Modifier { value, source: "expression".to_owned() });
            }
        }
        Roll {
            expression: self.text.clone(),
            faces: table.faces,
            kept: table.kept,
            modifiers,
            mode: RollMode::Normal,
            reasons: Vec::new(),
            total,
            by: "server".to_owned(),
        }
    }
}

impl TryFrom<String> for Expression {
    type Error = ExpressionError;

    fn try_from(text: String) -> Result<Self, ExpressionError> {
        Self::parse(&text)
    }
}

impl From<Expression> for String {
    fn from(expression: Expression) -> Self {
        expression.text
    }
}

impl Sum {
    pub(super) fn dice(&self) -> usize {
        self.0.iter().map(|(_, term)| term.dice()).sum()
    }

    fn roll(&self, table: &mut Table<'_>) -> i64 {
        self.0.iter().map(|(sign, term)| sign.of(term.roll(table))).sum()
    }
}

impl Term {
    pub(super) fn dice(&self) -> usize {
        match self {
            Self::Constant(_) => 0,
            Self::Pool(pool) => pool.count,
            Self::Group(sum) => sum.dice(),
            Self::Product(left, right) => left.dice() + right.dice(),
            Self::Quotient(left, _) => left.dice(),
        }
    }

    fn roll(&self, table: &mut Table<'_>) -> i64 {
        match self {
            Self::Constant(value) => *value,
            Self::Pool(pool) => {
                let counted = pool.roll(table);
                let sum = counted.iter().copied().map(i64::from).sum();
                table.kept.extend(counted);
                sum
            }
            Self::Group(sum) => sum.roll(table),
            Self::Product(left, right) => left.roll(table) * right.roll(table),
            Self::Quotient(left, divisor) => left.roll(table).div_euclid(*divisor),
        }
    }
}

struct Table<'a> {
    dice: &'a mut dyn Dice,
    faces: Vec<u32>,
    kept: Vec<u32>,
    /// Faces that may still be drawn beyond those written.
    spare: usize,
    /// How many of each die written.
    times: usize,
}

impl Table<'_> {
    fn draw(&mut self, sides: u32) -> u32 {
        let face = self.dice.roll(sides);
        self.faces.push(face);
        face
    }

    fn draw_spare(&mut self, sides: u32) -> Option<u32> {
        self.spare = self.spare.checked_sub(1)?;
        Some(self.draw(sides))
    }
}

impl Pool {
    fn roll(&self, table: &mut Table<'_>) -> Vec<u32> {
        let count = self.count * table.times;
        let mut stand = Vec::with_capacity(count);
        let mut more = self.explodes.unwrap_or(0);
        for _ in 0..count {
            let first = table.draw(self.sides);
            let mut face = self.reroll(first, table);
            stand.push(face);
            while more > 0 && face == self.sides {
                more -= 1;
                let Some(extra) = table.draw_spare(self.sides) else { break };
                face = self.reroll(extra, table);
                stand.push(face);
            }
        }
        self.counted(stand)
    }

    fn reroll(&self, first: u32, table: &mut Table<'_>) -> u32 {
        let mut face = first;
        if self.reroll_once.contains(&face) {
            face = table.draw_spare(self.sides).unwrap_or(face);
        }
        for _ in 0..REROLLS_PER_DIE {
            if !self.reroll_again.contains(&face) {
                break;
            }
            let Some(next) = table.draw_spare(self.sides) else { break };
            face = next;
        }
        face
    }

    /// Those that count, in draw order; of equal faces the earlier one counts as the higher.
    fn counted(&self, stand: Vec<u32>) -> Vec<u32> {
        let Some(keep) = self.keep else { return stand };
        let mut order: Vec<usize> = (0..stand.len()).collect();
        order.sort_by_key(|&index| (std::cmp::Reverse(stand[index]), index));
        let len = order.len();
        let range = match keep {
            Keep::Highest(n) => 0..n.min(len),
            Keep::Lowest(n) => len - n.min(len)..len,
            Keep::DropHighest(n) => n.min(len)..len,
            Keep::DropLowest(n) => 0..len - n.min(len),
        };
        let mut chosen = order[range].to_vec();
        chosen.sort_unstable();
        chosen.into_iter().map(|index| stand[index]).collect()
    }
}
