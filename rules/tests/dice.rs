//! Dice expressions with scripted dice: every face given is asked for, in order, and none more.

use gss_rules::dice::FACES;
use gss_rules::{Dice, Expression, ExpressionError};
use proptest::prelude::*;

/// Faces to come, each with the sides that must be asked for.
struct Script<'a>(std::slice::Iter<'a, (u32, u32)>);

impl Dice for Script<'_> {
    fn roll(&mut self, sides: u32) -> u32 {
        let (expected, face) = self.0.next().expect("a die more than scripted");
        assert_eq!(sides, *expected, "sides");
        *face
    }
}

/// Rolls `text`; `script` is written `6:4 6:1` (sides:face). The answer is `kept | modifiers | total`.
fn roll(text: &str, script: &str) -> String {
    let faces: Vec<(u32, u32)> = script
        .split_whitespace()
        .map(|die| die.split_once(':').expect("sides:face"))
        .map(|(sides, face)| (sides.parse().expect("sides"), face.parse().expect("face")))
        .collect();
    let mut dice = Script(faces.iter());
    let roll = Expression::parse(text).expect(text).roll(&mut dice);
    assert_eq!(dice.0.len(), 0, "dice left over in {text}");
    assert_eq!(roll.faces, faces.iter().map(|(_, face)| *face).collect::<Vec<_>>(), "{text}");
    let modifiers: Vec<i64> = roll.modifiers.iter().map(|modifier| modifier.value).collect();
    format!("{:?} | {:?} | {}", roll.kept, modifiers, roll.total)
}

#[test]
fn expressions_come_to_what_they_say() {
    let cases = [
        ("2d6+3", "6:4 6:1", "[4, 1] | [3] | 8"),
        ("d20", "20:17", "[17] | [] | 17"),
        (" 1d20 + 7 - 2 ", "20:11", "[11] | [7, -2] | 16"),
        ("-1d4+10", "4:3", "[3] | [10] | 7"),
        ("5", "", "[] | [5] | 5"),
        ("D%", "100:100", "[100] | [] | 100"),
        ("1d20-1d4", "20:9 4:4", "[9, 4] | [] | 5"),
        ("4d6kh3", "6:2 6:5 6:2 6:6", "[2, 5, 6] | [] | 13"),
        ("4d6dl1", "6:2 6:5 6:2 6:6", "[2, 5, 6] | [] | 13"),
        ("2d20kl1", "20:18 20:3", "[3] | [] | 3"),
        ("2d20kh", "20:18 20:3", "[18] | [] | 18"),
        ("3d8dh2", "8:1 8:8 8:4", "[1] | [] | 1"),
        ("3d6!", "6:6 6:6 6:2 6:1 6:5", "[6, 6, 2, 1, 5] | [] | 20"),
        ("2d6!kh1", "6:6 6:3 6:4", "[6] | [] | 6"),
        ("2d6r1", "6:1 6:1 6:4", "[1, 4] | [] | 5"),
        ("2d6rr1", "6:1 6:1 6:5 6:4", "[5, 4] | [] | 9"),
        ("2d6r1r2", "6:2 6:1 6:3", "[1, 3] | [] | 4"),
        ("2d4!+1d1", "4:4 4:1 4:2 1:1", "[4, 1, 2, 1] | [] | 8"),
        ("(1d6+2)*2", "6:4", "[4] | [] | 12"),
        ("1d6*2+1", "6:5", "[5] | [1] | 11"),
        ("2*(1d4 - 1d6) * 3", "4:1 6:6", "[1, 6] | [] | -30"),
        ("3d6/2", "6:1 6:2 6:4", "[1, 2, 4] | [] | 3"),
        ("(1d4-4)/2", "4:1", "[1] | [] | -2"),
        ("((5))", "", "[] | [] | 5"),
    ];
    for (text, script, expected) in cases {
        assert_eq!(roll(text, script), expected, "{text}");
    }
}

#[test]
fn the_least_and_the_most_are_exact() {
    let cases = [
        ("5", Some(5), Some(5)),
        ("2d6+3", Some(5), Some(15)),
        ("1d20-1d4", Some(-3), Some(19)),
        ("-1d4+10", Some(6), Some(9)),
        ("4d6kh3", Some(3), Some(18)),
        ("4d6dl1", Some(3), Some(18)),
        ("2d20kl1-1", Some(0), Some(19)),
        ("(1d6+2)*2", Some(6), Some(16)),
        ("(1d4-3)*(1d6-4)", Some(-4), Some(6)),
        ("1d7/2", Some(0), Some(3)),
        ("(1d4-4)/2", Some(-2), Some(0)),
        ("2d6r1", Some(2), Some(12)),
        ("2d6rr1rr6", Some(4), Some(10)),
        ("3d6!", Some(3), None),
        ("10-3d6!", None, Some(7)),
        ("3d6!rr6", Some(3), Some(15)),
        ("3d6!kh2", Some(2), Some(12)),
        ("3d6!kl2", Some(2), Some(10)),
        ("3d6!*0", Some(0), Some(0)),
        ("2*3d6!/1000000", Some(0), None),
    ];
    for (text, least, most) in cases {
        let expression = Expression::parse(text).expect(text);
        assert_eq!((expression.minimum(), expression.maximum()), (least, most), "{text}");
    }
}

#[test]
fn record_is_the_protocols() {
    let mut dice = Script([(20, 11)].iter());
    let roll = Expression::parse("1d20+7").expect("expression").roll(&mut dice);
    assert_eq!(roll.expression, "1d20+7");
    assert_eq!(roll.by, "server");
    assert_eq!(roll.modifiers[0].source, "expression");
}

#[test]
fn other_text_is_refused() {
    use ExpressionError as E;
    let long = "1+".repeat(100) + "1";
    let cases = [
        ("", E::Empty),
        ("   ", E::Empty),
        (long.as_str(), E::TooLong),
        ("2d", E::Unexpected { at: 2 }),
        ("two", E::Unexpected { at: 0 }),
        ("2d6+", E::Unexpected { at: 4 }),
        ("2d6 3", E::Unexpected { at: 4 }),
        ("2d6é", E::Unexpected { at: 3 }),
        ("2d6k3", E::Unexpected { at: 4 }),
        ("2d6r", E::Unexpected { at: 4 }),
        ("0d6", E::DiceCount),
        ("1001d6", E::DiceCount),
        ("600d6+600d6", E::DiceCount),
        ("99999999999999999999d6", E::DiceCount),
        ("1d0", E::Sides),
        ("1d1001", E::Sides),
        ("1d6r7", E::Sides),
        ("1000001", E::Constant),
        ("(1d6", E::Unexpected { at: 4 }),
        ("1d6)", E::Unexpected { at: 3 }),
        ("()", E::Unexpected { at: 1 }),
        ("2*", E::Unexpected { at: 2 }),
        ("1d6/d4", E::Unexpected { at: 4 }),
        ("1d6/0", E::Divisor),
        ("1000000*1000000*2", E::Result),
        ("2*(1d1000*1d1000)", E::Result),
        ("2d6kh3", E::Keep),
        ("2d6kh0", E::Keep),
        ("4d6kh3dl1", E::Keep),
        ("1d1!", E::Endless),
        ("1d2rr1rr2", E::Endless),
        ("1d2rr1!", E::Endless),
    ];
    for (text, expected) in cases {
        assert_eq!(Expression::parse(text), Err(expected), "{text}");
    }
}

/// Always the same face.
struct Loaded(u32);

impl Dice for Loaded {
    fn roll(&mut self, sides: u32) -> u32 {
        self.0.min(sides)
    }
}

#[test]
fn explosions_and_rerolls_end() {
    for (text, face) in [("10d6!", 6), ("1000d6!", 6), ("20d6rr6", 6), ("10d6r1!", 1)] {
        let roll = Expression::parse(text).expect(text).roll(&mut Loaded(face));
        assert!(roll.faces.len() <= FACES, "{text}: {}", roll.faces.len());
    }
}

proptest! {
    #[test]
    fn any_text_is_refused_or_bounded(text in "[0-9dkhlr!%+*/() -]{0,40}", seed in 1_u32..1_000) {
        struct Counter(u32);
        impl Dice for Counter {
            fn roll(&mut self, sides: u32) -> u32 {
                self.0 = self.0.wrapping_mul(1_103_515_245).wrapping_add(12_345);
                (self.0 >> 8) % sides + 1
            }
        }
        if let Ok(expression) = Expression::parse(&text) {
            let roll = expression.roll(&mut Counter(seed));
            prop_assert!(roll.faces.len() <= FACES);
            prop_assert!(roll.kept.len() <= roll.faces.len());
            // Rerolls that find no room leave a face that was not to stand.
            let room = roll.faces.len() < FACES;
            prop_assert!(!room || expression.minimum().is_none_or(|least| least <= roll.total));
            prop_assert!(expression.maximum().is_none_or(|most| roll.total <= most));
        }
    }
}
