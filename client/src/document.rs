//! The state document as a client follows it: snapshots and the changes of messages.

use serde_json::{Map, Value};

use crate::frame::Message;

/// A change does not fit the document: it was not followed from its snapshot on. Ask for a
/// `sync_response`.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a change at {0} does not fit the document")]
pub struct Unfit(pub String);

/// Members of a prompt message that belong to the message and not to the prompt.
const OF_THE_MESSAGE: [&str; 4] = ["version", "prev", "position", "timestamp"];

/// One session's document as one viewer sees it.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Document {
    state: Value,
}

impl Document {
    /// An empty one, until the first snapshot.
    pub fn new() -> Self {
        Self { state: Value::Object(Map::new()) }
    }

    /// What it holds.
    pub fn state(&self) -> &Value {
        &self.state
    }

    /// The member at a JSON Pointer.
    pub fn get(&self, pointer: &str) -> Option<&Value> {
        self.state.pointer(pointer)
    }

    /// Takes a message: a snapshot of the whole document replaces it, changes are applied in order,
    /// ephemeral ones ignored. The `sync_response` that was asked for by paths is no such snapshot:
    /// give it to [`Document::follow_part`].
    ///
    /// # Errors
    /// [`Unfit`]; changes before the one at fault are applied.
    pub fn follow(&mut self, message: &Message) -> Result<(), Unfit> {
        let data = &message.data;
        if data.get("ephemeral") == Some(&Value::Bool(true)) {
            return Ok(());
        }
        match message.kind.as_str() {
            "sync_response" => self.state = data.get("state").cloned().unwrap_or_default(),
            "combat_started" => self.change("/combat", data.get("combat").cloned())?,
            "combat_ended" => self.change("/combat", None)?,
            "reaction_prompt" | "choice_prompt" | "dice_prompt" => {
                let mut prompt = data.clone();
                prompt.retain(|key, _| !OF_THE_MESSAGE.contains(&key.as_str()));
                self.change_prompt(data, Some(Value::Object(prompt)))?;
            }
            "reaction_resolved" => self.change_prompt(data, None)?,
            _ => {}
        }
        let changes = data.get("changes").and_then(Value::as_array);
        for change in changes.into_iter().flatten() {
            let path = change.get("path").and_then(Value::as_str).unwrap_or_default();
            self.change(path, change.get("value").cloned())?;
        }
        Ok(())
    }

    /// Takes the `sync_response` that was asked for by these paths: what it holds there replaces
    /// what is there, what it does not hold there is gone, and all else stays. It does not say by
    /// which paths it was asked for; the caller knows, answers come in the order of the requests.
    /// No paths: the whole document.
    ///
    /// # Errors
    /// [`Unfit`]; paths before the one at fault are taken.
    pub fn follow_part(&mut self, message: &Message, paths: &[&str]) -> Result<(), Unfit> {
        let empty = Value::Object(Map::new());
        let part = message.data.get("state").unwrap_or(&empty);
        if paths.is_empty() {
            self.state = part.clone();
        }
        for path in paths {
            // An array on the way comes whole.
            let array =
                |state: &Value, to: usize| state.pointer(&path[..to]).is_some_and(Value::is_array);
            let ends = path.match_indices('/').map(|(at, _)| at).filter(|at| *at > 0);
            let cut = ends.into_iter().find(|end| array(part, *end) || array(&self.state, *end));
            let path = &path[..cut.unwrap_or(path.len())];
            self.change(path, part.pointer(path).cloned())?;
        }
        Ok(())
    }

    fn change_prompt(&mut self, data: &Map<String, Value>, to: Option<Value>) -> Result<(), Unfit> {
        match data.get("prompt_id").and_then(Value::as_str) {
            Some(id) => self.change(&format!("/combat/prompts/{id}"), to),
            None => Ok(()),
        }
    }

    /// Sets the member at `pointer`, making missing parent objects; None removes it.
    ///
    /// # Errors
    /// [`Unfit`] when a parent is no object or array, or an index is beyond the end.
    pub fn change(&mut self, pointer: &str, value: Option<Value>) -> Result<(), Unfit> {
        let unfit = || Unfit(pointer.to_owned());
        let Some(path) = pointer.strip_prefix('/') else {
            self.state = value.unwrap_or_default();
            return if pointer.is_empty() { Ok(()) } else { Err(unfit()) };
        };
        let mut keys: Vec<String> = path.split('/').map(unescape).collect();
        let last = keys.pop().unwrap_or_default();
        let mut place = &mut self.state;
        for key in keys {
            place = match place {
                Value::Object(map) if map.contains_key(&key) || value.is_some() => {
                    map.entry(key).or_insert_with(|| Value::Object(Map::new()))
                }
                Value::Object(_) => return Ok(()),
                Value::Array(items) => {
                    let index: usize = key.parse().map_err(|_| unfit())?;
                    items.get_mut(index).ok_or_else(unfit)?
                }
                _ => return Err(unfit()),
            };
        }
        put(place, last, value).ok_or_else(unfit)
    }
}

fn put(place: &mut Value, key: String, value: Option<Value>) -> Option<()> {
    match (place, value) {
        (Value::Object(map), Some(value)) => {
            map.insert(key, value);
        }
        (Value::Object(map), None) => {
            map.remove(&key);
        }
        (Value::Array(items), value) => {
            let index = if key == "-" { items.len() } else { key.parse().ok()? };
            match value {
                Some(value) if index == items.len() => items.push(value),
                Some(value) => *items.get_mut(index)? = value,
                None if index < items.len() => drop(items.remove(index)),
                None => return None,
            }
        }
        (_, _) => return None,
    }
    Some(())
}

fn unescape(key: &str) -> String {
    key.replace("~1", "/").replace("~0", "~")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn message(kind: &str, data: Value) -> Message {
        let data = data.as_object().expect("object").clone();
        Message { kind: kind.to_owned(), data, version: Some(1) }
    }

    #[test]
    fn snapshots_and_changes_are_followed() {
        let mut document = Document::new();
        let state = json!({"shared": {"list": [1, 2], "a/b": 1}});
        document.follow(&message("sync_response", json!({"state": state}))).expect("fits");
        let changes = json!([
            {"path": "/shared/door/open", "value": true},
            {"path": "/shared/list/2", "value": 3},
            {"path": "/shared/list/0"},
            {"path": "/shared/a~1b", "value": null, "previous": 1},
            {"path": "/shared/gone"},
            {"path": "/nowhere/gone"},
        ]);
        document.follow(&message("state_update", json!({"changes": changes}))).expect("fits");
        let expected = json!({"shared": {"list": [2, 3], "a/b": null, "door": {"open": true}}});
        assert_eq!(document.state(), &expected);
        assert_eq!(document.get("/shared/door/open"), Some(&json!(true)));

        let changes = json!([{"path": "/shared/cursor", "value": 1}]);
        let ephemeral = json!({"ephemeral": true, "changes": changes});
        document.follow(&message("state_update", ephemeral)).expect("fits");
        assert_eq!(document.state(), &expected);
    }

    #[test]
    fn a_part_replaces_what_was_asked_for_and_nothing_else() {
        let mut document = Document::new();
        let state = json!({"a": {"b": {"old": 1}, "c": 2}, "list": [1, 2], "gone": 3, "kept": 4});
        document.follow(&message("sync_response", json!({"state": state}))).expect("fits");
        let part = json!({"a": {"b": {"new": 5}}, "list": [6, 7, 8], "more": {"x": 9}});
        let part = message("sync_response", json!({"state": part}));
        let paths = ["/a/b", "/list/2", "/gone", "/more/x", "/never/there"];
        document.follow_part(&part, &paths).expect("fits");
        let expected = json!({"a": {"b": {"new": 5}, "c": 2}, "list": [6, 7, 8], "kept": 4,
            "more": {"x": 9}});
        assert_eq!(document.state(), &expected);
        document.follow_part(&part, &[]).expect("fits");
        assert_eq!(document.state(), &part.data["state"]);
    }

    #[test]
    fn a_fight_comes_changes_and_goes() {
        let mut document = Document::new();
        let combat = json!({"round": 0, "prompts": {}});
        document.follow(&message("combat_started", json!({"combat": combat}))).expect("fits");
        let turn = json!({"round": 1, "changes": [{"path": "/combat/round", "value": 1}]});
        document.follow(&message("turn_change", turn)).expect("fits");
        let prompt = json!({"prompt_id": "p", "label": "?", "version": "4", "prev": "3",
            "position": "x", "timestamp": "t"});
        document.follow(&message("choice_prompt", prompt)).expect("fits");
        let prompts = json!({"p": {"prompt_id": "p", "label": "?"}});
        assert_eq!(document.state(), &json!({"combat": {"round": 1, "prompts": prompts}}));
        document.follow(&message("reaction_resolved", json!({"prompt_id": "p"}))).expect("fits");
        assert_eq!(document.state(), &json!({"combat": {"round": 1, "prompts": {}}}));
        document.follow(&message("combat_ended", json!({"reason": "finished"}))).expect("fits");
        assert_eq!(document.state(), &json!({}));
    }

    #[test]
    fn what_does_not_fit_is_said() {
        let mut document = Document::new();
        document.change("/list", Some(json!([1]))).expect("fits");
        for (pointer, value) in [
            ("/list/5", Some(json!(1))),
            ("/list/x", Some(json!(1))),
            ("/list/1", None),
            ("/list/0/deeper", Some(json!(1))),
            ("no-pointer", Some(json!(1))),
        ] {
            let mut copy = document.clone();
            assert_eq!(copy.change(pointer, value), Err(Unfit(pointer.to_owned())));
        }
    }
}
