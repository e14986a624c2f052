//! Canonical JSON: what a database may reorder and reformat without changing it (SAFETY S19).
//!
//! Owns the one reading of JSON text: finite numbers, integral ones in the 64-bit range as
//! integers, no negative zero, no duplicate members, keys sorted. Two canonical values are equal
//! exactly when their texts are.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Reads text from outside; what cannot be canonical is an error.
pub(crate) fn parse(text: &str) -> Result<Value, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = Canonical.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

/// Containers within one another that [`parse`] reads, the outermost counted: serde_json's bound.
const NESTED: usize = 127;

/// What [`parse`] makes of a value's text.
pub(crate) fn of(mut value: Value) -> Result<Value, serde_json::Error> {
    settle(&mut value, NESTED)?;
    Ok(value)
}

fn settle(value: &mut Value, left: usize) -> Result<(), serde_json::Error> {
    let within = || {
        let within = left.checked_sub(1);
        within.ok_or_else(|| serde_json::Error::custom("recursion limit exceeded"))
    };
    match value {
        Value::Number(some) => {
            let float = some.as_f64().filter(|_| some.is_f64());
            if let Some(settled) = float.and_then(number) {
                *some = settled;
            }
            Ok(())
        }
        Value::Array(items) => {
            let left = within()?;
            items.iter_mut().try_for_each(|item| settle(item, left))
        }
        Value::Object(members) => {
            let left = within()?;
            members.values_mut().try_for_each(|member| settle(member, left))
        }
        Value::Null | Value::Bool(_) | Value::String(_) => Ok(()),
    }
}

/// Number as canonical JSON has it.
pub(crate) fn number(value: f64) -> Option<Number> {
    const TWO_63: f64 = 9_223_372_036_854_775_808.0;
    if value.fract() != 0.0 {
        return Number::from_f64(value);
    }
    if (-TWO_63..TWO_63).contains(&value) {
        Some(Number::from(value as i64))
    } else if (TWO_63..2.0 * TWO_63).contains(&value) {
        Some(Number::from(value as u64))
    } else {
        Number::from_f64(value)
    }
}

/// Whether a string in it, key or value, holds U+0000.
pub(crate) fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(members) => {
            members.iter().any(|(key, value)| key.contains('\0') || has_nul(value))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Nested objects and arrays, itself counted; 0 for a scalar.
pub(crate) fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

/// Bytes of its text.
pub(crate) fn encoded_len(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(true) => 4,
        Value::Bool(false) => 5,
        Value::Number(number) => number.to_string().len(),
        Value::String(text) => string_len(text),
        Value::Array(items) => {
            let commas = items.len().saturating_sub(1);
            2 + commas + items.iter().map(encoded_len).sum::<usize>()
        }
        Value::Object(members) => {
            let commas = members.len().saturating_sub(1);
            let member = |(key, value): (&String, &Value)| string_len(key) + 1 + encoded_len(value);
            2 + commas + members.iter().map(member).sum::<usize>()
        }
    }
}

/// Bytes of a string's JSON text, quotes included.
pub(crate) fn string_len(text: &str) -> usize {
    let escaped = |byte: u8| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 8 | 12 => 2,
        0..=31 => 6,
        _ => 1,
    };
    2 + text.bytes().map(escaped).sum::<usize>()
}

struct Canonical;

impl<'de> DeserializeSeed<'de> for Canonical {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Canonical {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        number(value).map(Value::Number).ok_or_else(|| E::custom("number is not finite"))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::String(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element_seed(Canonical)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            let value = access.next_value_seed(Canonical)?;
            if members.insert(key, value).is_some() {
                return Err(A::Error::custom("duplicate member"));
            }
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::{btree_map, vec};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_written_one_way() {
        let cases = [
            ("1.0", "1"),
            ("-0.0", "0"),
            ("-0", "0"),
            ("1e2", "100"),
            ("1.50", "1.5"),
            ("9223372036854775808.0", "9223372036854775808"),
            ("18446744073709551615", "18446744073709551615"),
            ("-9223372036854775808", "-9223372036854775808"),
            ("1e300", "1e+300"),
            ("5e-324", "5e-324"),
        ];
        for (text, expected) in cases {
            assert_eq!(parse(text).expect(text).to_string(), expected, "{text}");
        }
    }

    #[test]
    fn a_value_nests_no_deeper_than_its_text_may() {
        for (deep, fits) in [(NESTED, true), (NESTED + 1, false)] {
            let value = (1..deep).fold(Value::Array(Vec::new()), |inner, _| vec![inner].into());
            assert_eq!(depth(&value), deep);
            assert_eq!(parse(&value.to_string()).is_ok(), fits, "{deep}");
            assert_eq!(of(value).is_ok(), fits, "{deep}");
        }
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            (-1e20..1e20).prop_map(|float: f64| float.trunc().into()),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                vec(inner.clone(), 0..4).prop_map(Value::from),
                btree_map(any::<String>(), inner, 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_value_settles_as_its_text_is_read(value in any_value()) {
            let read = parse(&value.to_string()).expect("text of a value");
            prop_assert_eq!(of(value).expect("not deep"), read);
        }
    }

    #[test]
    fn keys_are_sorted_and_unique() {
        assert_eq!(parse(r#"{"b":1,"a":[2]}"#).expect("json").to_string(), r#"{"a":[2],"b":1}"#);
        for text in [r#"{"a":1,"a":1}"#, "1E400", r#""\ud800""#, "{}x", "{", "", "nan"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn lengths_are_those_of_the_text() {
        let texts =
            [r#"{"a\n":[1,-2.5,null,true,false,"\u0001é\"\\"],"b":{},"c":[]}"#, "[]", "\"\"", "{}"];
        for text in texts {
            let value = parse(text).expect(text);
            assert_eq!(encoded_len(&value), value.to_string().len(), "{text}");
        }
    }

    #[test]
    fn depth_counts_containers() {
        for (text, expected) in [("1", 0), ("{}", 1), ("[[1]]", 2), (r#"{"a":{"b":[]}}"#, 3)] {
            assert_eq!(depth(&parse(text).expect(text)), expected, "{text}");
        }
    }
}
