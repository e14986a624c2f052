//! The mean of dice and numbers added up.

/// The mean of an expression that [`crate::Expression`] reads, rounded down. None: it keeps, drops,
/// explodes or rerolls.
pub(super) fn of(text: &str) -> Option<i64> {
    let mut doubled = 0;
    let mut rest = text.trim();
    let mut sign = 1;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix(['+', '-']) {
            sign = if rest.starts_with('-') { -1 } else { 1 };
            rest = after.trim_start();
        }
        let end = rest.find(['+', '-']).unwrap_or(rest.len());
        let (term, after) = rest.split_at_checked(end)?;
        doubled += sign * doubled_term(term.trim())?;
        rest = after;
    }
    Some(doubled.div_euclid(2))
}

fn doubled_term(term: &str) -> Option<i64> {
    let Some((count, sides)) = term.split_once(['d', 'D']) else {
        return Some(2 * term.parse::<i64>().ok()?);
    };
    let count = if count.is_empty() { 1 } else { count.parse().ok()? };
    let sides = if sides == "%" { 100 } else { sides.parse::<i64>().ok()? };
    Some(count * (sides + 1))
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn averages_are_those_that_are_printed() {
        let cases = [
            ("2d6+3", Some(10)),
            ("1d4", Some(2)),
            ("19d12+133", Some(256)),
            ("1d4-1", Some(1)),
            ("1", Some(1)),
            ("d% + 1d4 - 2", Some(51)),
            ("4d6kh3", None),
            ("3d6!", None),
        ];
        for (text, average) in cases {
            assert_eq!(of(text), average, "{text}");
        }
    }
}
