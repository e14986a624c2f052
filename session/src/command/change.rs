//! One asked change of the document.

use gss_shared::limits;
use serde_json::{Map, Value};

use super::Parse;
use crate::document::Pointer;
use crate::refusal;

/// One asked change.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct AskedChange {
    pub(crate) path: Pointer,
    pub(crate) op: Op,
    /// Only if the present value is this; `null` for absent or null.
    pub(crate) previous: Option<Value>,
}

/// What is to be done there.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Op {
    Set(Value),
    Remove,
    Increment(Value),
}

/// Reads `changes`.
pub(super) fn read_all(value: Option<Value>) -> Parse<Vec<AskedChange>> {
    let Some(Value::Array(entries)) = value else {
        return Err(refusal::shape("changes", "is a list that must be given"));
    };
    if entries.is_empty() {
        return Err(refusal::argument("changes", "has at least one entry"));
    }
    if entries.len() > limits::CHANGES {
        let fact = format!("has at most {} entries", limits::CHANGES);
        return Err(refusal::argument("changes", &fact).with("limit", limits::CHANGES));
    }
    entries.into_iter().map(read).collect()
}

fn read(entry: Value) -> Parse<AskedChange> {
    let Value::Object(mut entry) = entry else {
        return Err(refusal::shape("changes", "lists objects"));
    };
    let known = |name: &String| matches!(name.as_str(), "path" | "op" | "value" | "previous");
    if let Some(name) = entry.keys().find(|name| !known(name)) {
        return Err(refusal::shape(name, "is unknown in a change"));
    }
    let Some(Value::String(path)) = entry.remove("path") else {
        return Err(refusal::shape("path", "is a string that must be given"));
    };
    let pointer = Pointer::parse(&path)
        .map_err(|_| refusal::path(&path, "is no JSON Pointer").with("member", "path"))?;
    if pointer.tokens().is_empty() {
        return Err(refusal::path(&path, "names no member").with("member", "path"));
    }
    let op = op(&mut entry)?;
    Ok(AskedChange { path: pointer, op, previous: entry.remove("previous") })
}

fn op(entry: &mut Map<String, Value>) -> Parse<Op> {
    let value = entry.remove("value");
    let given =
        |value: Option<Value>| value.ok_or_else(|| refusal::shape("value", "must be given"));
    let name = match entry.remove("op") {
        None => return given(value).map(Op::Set),
        Some(Value::String(name)) => name,
        Some(_) => return Err(refusal::shape("op", "is a string")),
    };
    match name.as_str() {
        "set" => given(value).map(Op::Set),
        "remove" if value.is_some() => Err(refusal::shape("value", "does not go with remove")),
        "remove" => Ok(Op::Remove),
        "increment" => match given(value)? {
            by @ Value::Number(_) => Ok(Op::Increment(by)),
            _ => Err(refusal::shape("value", "is a number to increment by")),
        },
        _ => Err(refusal::argument("op", "is set, remove or increment")),
    }
}
