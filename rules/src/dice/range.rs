//! What a dice expression can come to, exactly: no two terms share a die, so that the bounds of a
//! whole follow from those of its parts.
//!
//! Rerolls are taken to end and explosions not to, as if faces were not counted.

use super::expression::{Keep, Pool, Sign, Sum, Term};
use super::{FACES, RESULT};

/// Bounds; one beyond [`RESULT`] stands for none, and is then the type's own.
#[derive(Clone, Copy)]
pub(super) struct Range {
    from: i64,
    to: i64,
}

/// Keeps what knows no bound apart from every number that an expression can come to.
fn settle(value: i64) -> i64 {
    if value > RESULT {
        i64::MAX
    } else if value < -RESULT {
        i64::MIN
    } else {
        value
    }
}

fn known(value: i64) -> Option<i64> {
    (-RESULT..=RESULT).contains(&value).then_some(value)
}

impl Range {
    fn new(from: i64, to: i64) -> Self {
        Self { from: settle(from), to: settle(to) }
    }

    pub(super) fn least(self) -> Option<i64> {
        known(self.from)
    }

    pub(super) fn greatest(self) -> Option<i64> {
        known(self.to)
    }

    fn plus(self, other: Self) -> Self {
        Self::new(self.from.saturating_add(other.from), self.to.saturating_add(other.to))
    }

    fn signed(self, sign: Sign) -> Self {
        match sign {
            Sign::Plus => self,
            Sign::Minus => Self::new(self.to.saturating_neg(), self.from.saturating_neg()),
        }
    }

    /// The extremes of a product lie at extremes of its factors.
    fn times(self, other: Self) -> Self {
        let [a, b] = [self.from, self.to].map(|left| {
            let [a, b] = [other.from, other.to].map(|right| left.saturating_mul(right));
            (a.min(b), a.max(b))
        });
        Self::new(a.0.min(b.0), a.1.max(b.1))
    }

    fn over(self, divisor: i64) -> Self {
        let over = |value| known(value).map_or(value, |value| value.div_euclid(divisor));
        Self::new(over(self.from), over(self.to))
    }
}

impl Sum {
    pub(super) fn range(&self) -> Range {
        let zero = Range { from: 0, to: 0 };
        self.0.iter().fold(zero, |sum, (sign, term)| sum.plus(term.range().signed(*sign)))
    }

    /// No roll comes to more than this, either sign, however many dice explode.
    pub(super) fn magnitude(&self) -> i64 {
        self.0.iter().fold(0, |sum, (_, term)| sum.saturating_add(term.magnitude()))
    }
}

impl Term {
    fn range(&self) -> Range {
        match self {
            Self::Constant(value) => Range { from: *value, to: *value },
            Self::Pool(pool) => pool.range(),
            Self::Group(sum) => sum.range(),
            Self::Product(left, right) => left.range().times(right.range()),
            Self::Quotient(left, divisor) => left.range().over(*divisor),
        }
    }

    fn magnitude(&self) -> i64 {
        match self {
            Self::Constant(value) => *value,
            Self::Pool(pool) => i64::from(pool.sides) * count(FACES),
            Self::Group(sum) => sum.magnitude(),
            Self::Product(left, right) => left.magnitude().saturating_mul(right.magnitude()),
            Self::Quotient(left, _) => left.magnitude(),
        }
    }
}

fn count(dice: usize) -> i64 {
    i64::try_from(dice).unwrap_or(i64::MAX)
}

impl Pool {
    fn range(&self) -> Range {
        // A face rolled again once may come again; one rolled again until it goes never stands.
        let stands = |face: &u32| !self.reroll_again.contains(face);
        let least = (1..=self.sides).find(stands).map_or(0, i64::from);
        let most = (1..=self.sides).rev().find(stands).map_or(0, i64::from);
        let explodes = self.explodes.is_some() && stands(&self.sides);
        let (dice, from, to) = match self.keep {
            None => (self.count, least, most),
            Some(Keep::Highest(n)) => {
                return Range::new(least * count(n), most * count(n));
            }
            Some(Keep::Lowest(n)) => {
                // Each die ends on a face that does not explode, and there are n of them.
                let ends = |face: &u32| stands(face) && !(explodes && *face == self.sides);
                let last = (1..=self.sides).rev().find(ends).map_or(0, i64::from);
                return Range::new(least * count(n), last * count(n));
            }
            Some(Keep::DropHighest(n) | Keep::DropLowest(n)) => (self.count - n, least, most),
        };
        Range::new(from * count(dice), if explodes { i64::MAX } else { to * count(dice) })
    }
}
