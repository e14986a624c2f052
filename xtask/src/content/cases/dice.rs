//! Faces for dice, and what they come to.

use gss_rules::Expression;
use gss_rules::effect::DamageDice;

use super::super::text::re;

/// Faces thrown so far; no two dice in a row fall alike.
#[derive(Default)]
pub(super) struct Thrown {
    /// `sides:face`.
    pub(super) faces: Vec<String>,
}

impl Thrown {
    /// A die that falls so.
    pub(super) fn face(&mut self, sides: u32, face: i32) {
        self.faces.push(format!("{sides}:{face}"));
    }

    /// Throws dice: what they come to, at least 0.
    pub(super) fn throw(&mut self, dice: &Expression) -> Option<i32> {
        let mut total = 0;
        let mut rest = dice.as_str();
        while !rest.is_empty() {
            let found = re!(r"^([+-]?)(?:(\d+)d(\d+)|(\d+))").captures(rest)?;
            let sign = if &found[1] == "-" { -1 } else { 1 };
            if let Some(number) = found.get(4) {
                total += sign * number.as_str().parse::<i32>().ok()?;
            } else {
                let (count, sides) = (found[2].parse::<u32>().ok()?, found[3].parse().ok()?);
                for _ in 0..count {
                    let before = u32::try_from(self.faces.len()).ok()?;
                    let face = i32::try_from(before % sides + 1).ok()?;
                    self.face(sides, face);
                    total += sign * face;
                }
            }
            rest = rest.get(found[0].len()..)?;
        }
        Some(total.max(0))
    }

    /// Throws the dice of all parts: what each comes to.
    pub(super) fn damages(&mut self, parts: &[DamageDice]) -> Option<Vec<i32>> {
        parts.iter().map(|part| self.throw(&part.dice)).collect()
    }

    /// Throws the dice of all parts.
    pub(super) fn damage(&mut self, parts: &[DamageDice]) -> Option<i32> {
        parts.iter().map(|part| self.throw(&part.dice)).sum()
    }
}
