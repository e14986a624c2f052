use proptest::prelude::*;
use serde_json::json;

use super::*;

fn document(value: Value) -> Document {
    let Value::Object(members) = value else { panic!("not an object: {value}") };
    Document::new(members)
}

fn pointer(text: &str) -> Pointer {
    Pointer::parse(text).expect(text)
}

#[test]
fn put_makes_objects_and_never_arrays() {
    let cases = [
        ("/a", json!({"a": 1}), None, "/a"),
        ("/b/0/-", json!({"a": [1, 2], "b": {"0": {"-": 1}}}), None, "/b/0/-"),
        ("/a/-", json!({"a": [1, 2, 1]}), None, "/a/2"),
        ("/a/2", json!({"a": [1, 2, 1]}), None, "/a/2"),
        ("/a/0", json!({"a": [1, 2]}), Some(json!(1)), "/a/0"),
    ];
    for (path, expected, previous, actual) in cases {
        let start = document(json!({"a": [1, 2]}));
        let mut changed = start.clone();
        let done = changed.put(&pointer(path), json!(1)).expect(path);
        assert_eq!(done.path.as_str(), actual, "{path}");
        if path != "/a" {
            assert_eq!((changed.root(), done.previous), (&expected, previous), "{path}");
        }
        assert_eq!(changed.bytes(), changed.root().to_string().len(), "{path}");
        changed.undo(done.undo);
        assert_eq!(changed, start, "{path}");
    }
}

#[test]
fn places_that_cannot_be_are_refused() {
    let mut start = document(json!({"a": [1, {"x": 2}], "s": "text", "n": null}));
    let before = start.clone();
    for path in ["", "/a/3", "/a/01", "/a/x", "/a/-/y", "/a/2/y", "/s/x", "/n/x", "/a/0/x"] {
        let result = start.put(&pointer(path), json!(1));
        assert_eq!(result, Err(DocumentError::NoSuchPlace), "{path}");
    }
    for path in ["/a/2", "/a/-", "/s/x"] {
        assert_eq!(start.take(&pointer(path)), Err(DocumentError::NoSuchPlace), "{path}");
    }
    assert_eq!(start, before);
}

#[test]
fn sums_start_at_zero_and_stay_canonical() {
    let start = document(json!({"i": 5, "f": 0.5, "big": u64::MAX, "min": i64::MIN, "s": "5"}));
    let sum = |path: &str, by: Value| start.sum(&pointer(path), &by);
    assert_eq!(sum("/none", json!(3)), Ok(json!(3)));
    assert_eq!(sum("/i", json!(-7)), Ok(json!(-2)));
    assert_eq!(sum("/f", json!(0.5)), Ok(json!(1)));
    assert_eq!(sum("/i", json!(0.25)), Ok(json!(5.25)));
    assert_eq!(sum("/big", json!(1)), Err(DocumentError::Overflow));
    assert_eq!(sum("/min", json!(-1)), Err(DocumentError::Overflow));
    assert_eq!(sum("/s", json!(1)), Err(DocumentError::NotANumber(json!("5"))));
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-c\"\n]{0,4}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::Array),
            prop::collection::btree_map("[a-c]", inner, 0..3)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    /// Sizes stay those of the text; undoing everything gives the start.
    #[test]
    fn sizes_hold_and_undo_undoes(
        start in prop::collection::btree_map("[a-c]", json_value(), 0..3),
        changes in prop::collection::vec(
            ("(/[a-c0-2-]){1,3}", prop::option::of(json_value())), 1..8),
    ) {
        let start = Document::new(start.into_iter().collect());
        let mut changed = start.clone();
        let mut undos = Vec::new();
        for (path, value) in changes {
            let result = match value {
                Some(value) => changed.put(&pointer(&path), value),
                None => changed.take(&pointer(&path)),
            };
            undos.extend(result.map(|done| done.undo));
            prop_assert_eq!(changed.bytes(), changed.root().to_string().len());
        }
        for undo in undos.into_iter().rev() {
            changed.undo(undo);
        }
        prop_assert_eq!(changed, start);
    }
}
