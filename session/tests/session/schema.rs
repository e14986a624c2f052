//! A small check of JSON against the protocol's schemas: structure, required members, closed sets.
//! Not checked: formats and patterns. `oneOf` is read as `anyOf`.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;

use serde_json::Value;

fn files() -> &'static BTreeMap<String, Value> {
    static FILES: OnceLock<BTreeMap<String, Value>> = OnceLock::new();
    FILES.get_or_init(|| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/schema");
        let entries = std::fs::read_dir(folder).expect("tests/schema");
        entries
            .map(|entry| entry.expect("entry").path())
            .map(|path| {
                let name = path.file_name().expect("name").to_string_lossy().into_owned();
                let text = std::fs::read_to_string(path).expect("file");
                (name, serde_json::from_str(&text).expect("JSON"))
            })
            .collect()
    })
}

/// One definition of a file.
pub(crate) fn definition(file: &str, name: &str) -> &'static Value {
    &files()[file]["$defs"][name]
}

/// Names of a file's definitions.
pub(crate) fn names(file: &str) -> impl Iterator<Item = &'static str> {
    files()[file]["$defs"].as_object().expect("$defs").keys().map(String::as_str)
}

/// Panics when the value does not fit `file#/$defs/name`.
pub(crate) fn check(file: &str, name: &str, value: &Value) {
    assert!(!definition(file, name).is_null(), "{file} has no {name}");
    if let Err(fault) = fits(file, definition(file, name), value) {
        panic!("not a {name} of {file}: {fault}\n{value:#}");
    }
}

type Fit = Result<(), String>;

fn fits(file: &str, schema: &Value, value: &Value) -> Fit {
    let Value::Object(schema) = schema else {
        return if schema == &Value::Bool(false) { Err("nothing fits".into()) } else { Ok(()) };
    };
    for (keyword, rule) in schema {
        keyword_fits(file, keyword, rule, schema, value).map_err(|fault| match fault {
            fault if fault.contains(": ") => fault,
            fault => format!("{keyword}: {fault}"),
        })?;
    }
    Ok(())
}

fn keyword_fits(
    file: &str,
    keyword: &str,
    rule: &Value,
    schema: &serde_json::Map<String, Value>,
    value: &Value,
) -> Fit {
    let ok = |fits: bool| if fits { Ok(()) } else { Err(format!("{value} against {rule}")) };
    let many = |rule: &Value| rule.as_array().expect("list").clone();
    match keyword {
        "$ref" => {
            let text = rule.as_str().expect("ref");
            let (other, pointer) = text.split_once('#').unwrap_or((text, ""));
            let other = if other.is_empty() { file } else { other };
            let schema = files()[other].pointer(pointer).expect(text);
            fits(other, schema, value)
        }
        "type" => ok(match rule.as_str().expect("type") {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "boolean" => value.is_boolean(),
            "null" => value.is_null(),
            "integer" => value.is_i64() || value.is_u64(),
            "number" => value.is_number(),
            other => panic!("type {other}"),
        }),
        "const" => ok(rule == value),
        "enum" => ok(many(rule).contains(value)),
        "anyOf" | "oneOf" => ok(many(rule).iter().any(|one| fits(file, one, value).is_ok())),
        "allOf" => many(rule).iter().try_for_each(|one| fits(file, one, value)),
        "not" => ok(fits(file, rule, value).is_err()),
        "if" => {
            let branch = if fits(file, rule, value).is_ok() { "then" } else { "else" };
            schema.get(branch).map_or(Ok(()), |branch| fits(file, branch, value))
        }
        "minItems" => ok(value.as_array().is_none_or(|a| a.len() as u64 >= number(rule))),
        "maxItems" => ok(value.as_array().is_none_or(|a| a.len() as u64 <= number(rule))),
        "minLength" => ok(value.as_str().is_none_or(|t| t.chars().count() as u64 >= number(rule))),
        "maxLength" => ok(value.as_str().is_none_or(|t| t.chars().count() as u64 <= number(rule))),
        "minimum" => ok(value.as_f64().is_none_or(|n| n >= rule.as_f64().expect("number"))),
        "maximum" => ok(value.as_f64().is_none_or(|n| n <= rule.as_f64().expect("number"))),
        "items" => value
            .as_array()
            .filter(|_| !schema.contains_key("prefixItems"))
            .map_or(Ok(()), |items| items.iter().try_for_each(|item| fits(file, rule, item))),
        "properties" | "required" | "additionalProperties" => {
            members_fit(file, keyword, rule, schema, value)
        }
        _ => Ok(()),
    }
}

fn members_fit(
    file: &str,
    keyword: &str,
    rule: &Value,
    schema: &serde_json::Map<String, Value>,
    value: &Value,
) -> Fit {
    let Value::Object(members) = value else { return Ok(()) };
    match keyword {
        "required" => {
            let names = rule.as_array().expect("list").iter().map(|name| name.as_str());
            match names.flatten().find(|name| !members.contains_key(*name)) {
                Some(name) => Err(format!("{name} is missing")),
                None => Ok(()),
            }
        }
        "properties" => {
            let rules = rule.as_object().expect("object");
            let known =
                rules.iter().filter_map(|(name, rule)| Some((name, rule, members.get(name)?)));
            known.into_iter().try_for_each(|(name, rule, member)| {
                fits(file, rule, member).map_err(|fault| format!("{name}: {fault}"))
            })
        }
        _ => {
            let known = schema.get("properties").and_then(Value::as_object);
            let known = |name: &String| known.is_some_and(|known| known.contains_key(name));
            let mut others = members.iter().filter(|(name, _)| !known(name));
            others.try_for_each(|(name, member)| {
                fits(file, rule, member).map_err(|fault| format!("{name}: {fault}"))
            })
        }
    }
}

fn number(rule: &Value) -> u64 {
    rule.as_u64().expect("number")
}

#[test]
fn examples_fit_and_others_do_not() {
    for file in ["server.json", "client.json", "rest-v2.json", "hub.json"] {
        for name in names(file) {
            for example in definition(file, name)["examples"].as_array().into_iter().flatten() {
                check(file, name, example);
            }
        }
    }
    let message = definition("server.json", "state_update");
    let mut example = message["examples"][0].clone();
    example["data"].as_object_mut().expect("data").remove("prev");
    assert!(fits("server.json", message, &example).is_err());
}
