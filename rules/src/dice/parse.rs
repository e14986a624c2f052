//! Syntax of dice expressions.
//!
//! ```text
//! expression = [sign] term { sign term }
//! term       = factor { "*" factor | "/" number }
//! factor     = number | pool | "(" expression ")"
//! pool       = [number] "d" (number | "%") { modifier }
//! modifier   = ("kh" | "kl" | "dh" | "dl") [number] | "!" [number] | ("r" | "rr") number
//! ```
//! Letters in either case; spaces between terms.

use super::expression::{Expression, Keep, Pool, Sign, Sum, Term};
use super::{CONSTANT, EXPRESSION_CHARACTERS, FACES, RESULT, SIDES};

/// Why text is no dice expression. `at` counts characters from 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ExpressionError {
    /// Nothing in it.
    #[error("the expression is empty")]
    Empty,
    /// Over [`EXPRESSION_CHARACTERS`].
    #[error("the expression has more than {EXPRESSION_CHARACTERS} characters")]
    TooLong,
    /// Something else was expected here.
    #[error("unexpected character at {at}")]
    Unexpected {
        /// Where.
        at: usize,
    },
    /// The dice written are none or over [`FACES`].
    #[error("an expression rolls 1 to {FACES} dice per term and in all")]
    DiceCount,
    /// None, or over [`SIDES`].
    #[error("a die has 1 to {SIDES} sides")]
    Sides,
    /// Over [`CONSTANT`].
    #[error("a number is at most {CONSTANT}")]
    Constant,
    /// Could come to more than [`RESULT`], either sign.
    #[error("the result may exceed {RESULT}")]
    Result,
    /// Divided by 0.
    #[error("a divisor is at least 1")]
    Divisor,
    /// More dice kept or dropped than there are, or a second such rule.
    #[error("a term keeps or drops once, and no more dice than it rolls")]
    Keep,
    /// Every face would be rolled again or explode.
    #[error("a die must have a face that stands")]
    Endless,
}

pub(super) fn expression(text: &str) -> Result<Expression, ExpressionError> {
    if text.chars().count() > EXPRESSION_CHARACTERS {
        return Err(ExpressionError::TooLong);
    }
    let mut reader = Reader { rest: text.trim_end(), at: 0 };
    reader.skip_spaces();
    if reader.rest.is_empty() {
        return Err(ExpressionError::Empty);
    }
    let sum = reader.sum()?;
    if !reader.rest.is_empty() {
        return Err(ExpressionError::Unexpected { at: reader.at });
    }
    if sum.dice() > FACES {
        return Err(ExpressionError::DiceCount);
    }
    if sum.magnitude() > RESULT {
        return Err(ExpressionError::Result);
    }
    Ok(Expression { text: text.to_owned(), sum })
}

struct Reader<'a> {
    rest: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn skip_spaces(&mut self) {
        while self.take(' ') {}
    }

    fn take(&mut self, wanted: char) -> bool {
        let Some(found) = self.rest.chars().next() else { return false };
        let matches = found.eq_ignore_ascii_case(&wanted);
        if matches {
            self.rest = &self.rest[found.len_utf8()..];
            self.at += 1;
        }
        matches
    }

    fn sign(&mut self) -> Option<Sign> {
        if self.take('+') { Some(Sign::Plus) } else { self.take('-').then_some(Sign::Minus) }
    }

    /// None: no digit here. Numbers beyond any bound saturate, so that the bound refuses them.
    fn number(&mut self) -> Option<u64> {
        let mut value = None;
        while let Some(digit) = self.rest.chars().next().and_then(|c| c.to_digit(10)) {
            self.rest = &self.rest[1..];
            self.at += 1;
            value = Some(value.unwrap_or(0_u64).saturating_mul(10).saturating_add(digit.into()));
        }
        value
    }

    /// Up to the end or to what no term can follow.
    fn sum(&mut self) -> Result<Sum, ExpressionError> {
        self.skip_spaces();
        let mut sign = self.sign().unwrap_or(Sign::Plus);
        let mut terms = Vec::new();
        loop {
            terms.push((sign, self.term()?));
            match self.sign() {
                Some(next) => sign = next,
                None => return Ok(Sum(terms)),
            }
        }
    }

    fn term(&mut self) -> Result<Term, ExpressionError> {
        let mut term = self.factor()?;
        loop {
            self.skip_spaces();
            if self.take('*') {
                term = Term::Product(Box::new(term), Box::new(self.factor()?));
            } else if self.take('/') {
                self.skip_spaces();
                let divisor = self.number().ok_or(ExpressionError::Unexpected { at: self.at })?;
                let divisor = match constant(divisor)? {
                    0 => return Err(ExpressionError::Divisor),
                    divisor => divisor,
                };
                term = Term::Quotient(Box::new(term), divisor);
            } else {
                return Ok(term);
            }
        }
    }

    fn factor(&mut self) -> Result<Term, ExpressionError> {
        self.skip_spaces();
        if self.take('(') {
            let sum = self.sum()?;
            let closed = self.take(')');
            return if closed {
                Ok(Term::Group(sum))
            } else {
                Err(ExpressionError::Unexpected { at: self.at })
            };
        }
        let number = self.number();
        if !self.take('d') {
            let value = number.ok_or(ExpressionError::Unexpected { at: self.at })?;
            return constant(value).map(Term::Constant);
        }
        let count = bounded(number.unwrap_or(1), FACES).ok_or(ExpressionError::DiceCount)?;
        let sides = if self.take('%') {
            100
        } else {
            let sides = self.number().ok_or(ExpressionError::Unexpected { at: self.at })?;
            let sides = bounded(sides, SIDES as usize).ok_or(ExpressionError::Sides)?;
            u32::try_from(sides).map_err(|_| ExpressionError::Sides)?
        };
        let mut pool = Pool {
            count,
            sides,
            explodes: None,
            reroll_once: Vec::new(),
            reroll_again: Vec::new(),
            keep: None,
        };
        while self.modifier(&mut pool)? {}
        pool.check()?;
        Ok(Term::Pool(pool))
    }

    fn modifier(&mut self, pool: &mut Pool) -> Result<bool, ExpressionError> {
        if self.take('!') {
            let most = self.number().map_or(Some(usize::MAX), |most| bounded(most, FACES));
            pool.explodes = Some(most.ok_or(ExpressionError::DiceCount)?);
        } else if self.take('r') {
            let again = self.take('r');
            let face = self.number().ok_or(ExpressionError::Unexpected { at: self.at })?;
            let face = bounded(face, pool.sides as usize).ok_or(ExpressionError::Sides)?;
            let face = u32::try_from(face).map_err(|_| ExpressionError::Sides)?;
            let list = if again { &mut pool.reroll_again } else { &mut pool.reroll_once };
            if !list.contains(&face) {
                list.push(face);
            }
        } else if self.take('k') {
            let highest = self.side()?;
            let n = self.how_many(pool)?;
            pool.keep_once(if highest { Keep::Highest(n) } else { Keep::Lowest(n) })?;
        } else if self.take('d') {
            let highest = self.side()?;
            let n = self.how_many(pool)?;
            pool.keep_once(if highest { Keep::DropHighest(n) } else { Keep::DropLowest(n) })?;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    /// `h`: true, `l`: false.
    fn side(&mut self) -> Result<bool, ExpressionError> {
        if self.take('h') {
            Ok(true)
        } else if self.take('l') {
            Ok(false)
        } else {
            Err(ExpressionError::Unexpected { at: self.at })
        }
    }

    fn how_many(&mut self, pool: &Pool) -> Result<usize, ExpressionError> {
        bounded(self.number().unwrap_or(1), pool.count).ok_or(ExpressionError::Keep)
    }
}

fn constant(value: u64) -> Result<i64, ExpressionError> {
    let value = i64::try_from(value).ok().filter(|value| *value <= CONSTANT);
    value.ok_or(ExpressionError::Constant)
}

fn bounded(value: u64, most: usize) -> Option<usize> {
    usize::try_from(value).ok().filter(|value| (1..=most).contains(value))
}

impl Pool {
    fn keep_once(&mut self, keep: Keep) -> Result<(), ExpressionError> {
        match self.keep.replace(keep) {
            None => Ok(()),
            Some(_) => Err(ExpressionError::Keep),
        }
    }

    fn check(&self) -> Result<(), ExpressionError> {
        let explodes = |face| self.explodes.is_some() && face == self.sides;
        let stands = |face| !self.reroll_again.contains(&face) && !explodes(face);
        if (1..=self.sides).any(stands) { Ok(()) } else { Err(ExpressionError::Endless) }
    }
}
