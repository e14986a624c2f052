//! Printed text, made uniform, and a reader that consumes it from the front.
//!
//! Nothing is guessed: a pattern either stands at the front or the reader does not move.

use gss_rules::Expression;
use gss_rules::effect::{DamageDice, Duration, Edge, Which, Whose};
use regex::{Captures, Regex};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A pattern that is compiled once.
macro_rules! re {
    ($pattern:expr) => {{
        static PATTERN: std::sync::LazyLock<regex::Regex> =
            std::sync::LazyLock::new(|| regex::Regex::new($pattern).expect("a pattern"));
        &*PATTERN
    }};
}
pub(super) use re;

/// One way to write quotes, dashes, feet and blanks; letters stay as they are.
pub(super) fn uniform(text: &str) -> String {
    let mut text = text.to_owned();
    for (from, to) in [
        ("’", "'"),
        ("‘", "'"),
        ("“", "\""),
        ("”", "\""),
        ("−", "-"),
        ("–", "-"),
        ("—", "--"),
        ("\u{a0}", " "),
        ("footwide", "foot-wide"),
        ("footlong", "foot-long"),
    ] {
        text = text.replace(from, to);
    }
    let text = re!(r"\s+").replace_all(text.trim(), " ");
    let text = re!(r"\bft\.(,| [a-z(]|\))").replace_all(&text, "feet$1");
    let text = re!(r"\bft\.").replace_all(&text, "feet.");
    let text = re!(r"\s+\.").replace_all(&text, ".");
    re!(r"\.\.+").replace_all(&text, ".").into_owned()
}

/// A key of a name.
pub(super) fn slug(name: &str) -> String {
    let name = name.to_lowercase().replace(['\'', '’'], "");
    let name = re!(r"[^a-z0-9]+").replace_all(&name, "-");
    name.trim_matches('-').to_owned()
}

/// A name as it is printed, from small letters.
pub(super) fn title(name: &str) -> String {
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|it| it.to_uppercase().chain(letters).collect::<String>())
    };
    name.split(' ').filter_map(capital).collect::<Vec<_>>().join(" ")
}

/// A word of the game, as its type is written.
pub(super) fn word<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_value(Value::String(text.trim().to_lowercase().replace(' ', "_"))).ok()
}

/// A number, as a numeral or a word up to twelve.
pub(super) fn number(text: &str) -> Option<u8> {
    const WORDS: [&str; 13] = [
        "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
        "eleven", "twelve",
    ];
    let word = WORDS.iter().position(|word| *word == text).and_then(|n| u8::try_from(n).ok());
    word.or_else(|| text.parse().ok()).or_else(|| matches!(text, "a" | "an").then_some(1))
}

/// Dice as they are printed, without blanks.
pub(super) fn formula(text: &str) -> Option<Expression> {
    Expression::try_from(text.replace([' ', '\u{a0}'], "").replace(['−', '–'], "-")).ok()
}

/// What is left of a text in small letters.
#[derive(Clone, Debug)]
pub(super) struct Reader<'a> {
    pub(super) rest: &'a str,
}

impl<'a> Reader<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self { rest: text }
    }

    /// What stands at the front, consumed. The pattern starts with `^`.
    pub(super) fn take(&mut self, pattern: &Regex) -> Option<Captures<'a>> {
        let captures = pattern.captures(self.rest)?;
        let end = captures.get(0)?.end();
        self.rest = &self.rest[end..];
        Some(captures)
    }

    /// Whether nothing is left but the end of a sentence.
    pub(super) fn is_done(&self) -> bool {
        self.rest.trim_matches(['.', ' ', '\n']).is_empty()
    }

    /// `10 (2d6 + 3) fire damage`.
    pub(super) fn damage(&mut self) -> Option<DamageDice> {
        let found = self.take(re!(
            r"^(\d+)(?: \((\d+d\d+(?: ?[+-] ?\d+)?)\))? (acid|bludgeoning|cold|fire|force|lightning|necrotic|piercing|poison|psychic|radiant|slashing|thunder) damage"
        ))?;
        let dice = found.get(2).or_else(|| found.get(1))?.as_str();
        Some(DamageDice { dice: formula(dice)?, kind: word(found.get(3)?.as_str())? })
    }

    /// Several, joined by `plus`.
    pub(super) fn damages(&mut self) -> Vec<DamageDice> {
        let mut all: Vec<DamageDice> = self.damage().into_iter().collect();
        while !all.is_empty() {
            let mut ahead = self.clone();
            if ahead.take(re!(r"^,? plus ")).is_none() {
                break;
            }
            let Some(next) = ahead.damage() else { break };
            // That one comes with a condition.
            if ahead.rest.starts_with(" if ") {
                break;
            }
            all.push(next);
            *self = ahead;
        }
        all
    }

    /// ` until the end of its next turn`, ` for 1 minute`.
    pub(super) fn duration(&mut self) -> Option<Duration> {
        if let Some(found) = self.take(re!(r"^ for (?:up to )?(\d+) (round|minute|hour|day)s?")) {
            let count: u32 = found[1].parse().ok()?;
            return Some(match &found[2] {
                "round" => Duration::Rounds { rounds: count },
                unit => Duration::Seconds { seconds: count * seconds(unit) },
            });
        }
        let target = re!(r"^ until the (start|end) of (?:its|the target's) (next )?turn");
        let source = re!(r"^ until the (start|end) of @'s (next )?turn");
        let (found, whose) = if let Some(found) = self.take(target) {
            (found, Whose::Target)
        } else {
            (self.take(source)?, Whose::Source)
        };
        let edge = if &found[1] == "start" { Edge::Start } else { Edge::End };
        let which = if found.get(2).is_some() { Which::Next } else { Which::This };
        Some(Duration::Until { edge, whose, which })
    }
}

/// Seconds of a unit of time.
pub(super) fn seconds(unit: &str) -> u32 {
    match unit {
        "round" => 6,
        "minute" => 60,
        "hour" => 3_600,
        _ => 86_400,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_made_uniform() {
        assert_eq!(
            uniform("within 10 ft. of it.  Each 5 ft."),
            "within 10 feet of it. Each 5 feet."
        );
        assert_eq!(
            uniform("1d4 − 1 of the dragon’s next turn ."),
            "1d4 - 1 of the dragon's next turn."
        );
        assert_eq!(slug("Will-o’-Wisp’s Claws (Hag)"), "will-o-wisps-claws-hag");
    }

    #[test]
    fn a_reader_consumes_what_it_understands() {
        let mut reader = Reader::new("7 (1d8 + 3) piercing damage plus 1 fire damage, plus it");
        let damages = reader.damages();
        assert_eq!(damages[0].dice.as_str(), "1d8+3");
        assert_eq!(damages[1].dice.as_str(), "1");
        assert_eq!(reader.rest, ", plus it");
        let mut reader = Reader::new("1 fire damage, plus 2 (1d4) fire damage if it is wet");
        assert_eq!(reader.damages().len(), 1);
        assert_eq!(reader.rest, ", plus 2 (1d4) fire damage if it is wet");
        let mut reader = Reader::new(" until the end of @'s next turn.");
        let until = Duration::Until { edge: Edge::End, whose: Whose::Source, which: Which::Next };
        assert_eq!(reader.duration(), Some(until));
        assert!(reader.is_done());
    }
}
