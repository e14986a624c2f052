//! How data files are laid out: what fits stands on one line, so that a change is a line.

use anyhow::Result;
use serde::Serialize;
use serde_json::{Map, Value};

/// Columns of a line.
const WIDTH: usize = 110;

/// A list or object of records as text.
pub(super) fn text<T: Serialize>(records: &T) -> Result<String> {
    let value = serde_json::to_value(records)?;
    let mut text = String::new();
    write(&value, 0, 0, &mut text)?;
    text.push('\n');
    Ok(text)
}

/// `name` is the width of what stands before the value on its line.
fn write(value: &Value, indent: usize, name: usize, text: &mut String) -> Result<()> {
    let line = one_line(value)?;
    let expands = matches!(value, Value::Array(_) | Value::Object(_))
        && (indent == 0 || indent + name + line.len() > WIDTH)
        && line.len() > 2;
    if !expands {
        text.push_str(&line);
        return Ok(());
    }
    let parts: Vec<(String, &Value)> = match value {
        Value::Array(list) => list.iter().map(|it| (String::new(), it)).collect(),
        Value::Object(map) => {
            let name = |name: &String| Ok::<_, anyhow::Error>(serde_json::to_string(name)? + ": ");
            in_order(map)
                .into_iter()
                .map(|(key, it)| Ok((name(key)?, it)))
                .collect::<Result<_>>()?
        }
        _ => Vec::new(),
    };
    let (open, close) = if value.is_array() { ('[', ']') } else { ('{', '}') };
    text.push(open);
    for (index, (name, part)) in parts.iter().enumerate() {
        text.push_str(if index == 0 { "\n" } else { ",\n" });
        text.push_str(&" ".repeat(indent + 1));
        text.push_str(name);
        write(part, indent + 1, name.len(), text)?;
    }
    text.push('\n');
    text.push_str(&" ".repeat(indent));
    text.push(close);
    Ok(())
}

/// Names first, the rest by the alphabet.
fn in_order(map: &Map<String, Value>) -> Vec<(&String, &Value)> {
    const FIRST: [&str; 4] = ["id", "attack_id", "use_id", "name"];
    let rank = |name: &str| FIRST.iter().position(|it| *it == name).unwrap_or(FIRST.len());
    let mut parts: Vec<_> = map.iter().collect();
    parts.sort_by_key(|(name, _)| (rank(name), (*name).clone()));
    parts
}

fn one_line(value: &Value) -> Result<String> {
    Ok(match value {
        Value::Array(list) => {
            let parts: Vec<String> = list.iter().map(one_line).collect::<Result<_>>()?;
            format!("[{}]", parts.join(", "))
        }
        Value::Object(map) => {
            let part = |(name, it): (&String, &Value)| {
                Ok::<_, anyhow::Error>(format!(
                    "{}: {}",
                    serde_json::to_string(name)?,
                    one_line(it)?
                ))
            };
            let parts: Vec<String> = in_order(map).into_iter().map(part).collect::<Result<_>>()?;
            format!("{{{}}}", parts.join(", "))
        }
        simple => serde_json::to_string(simple)?,
    })
}
