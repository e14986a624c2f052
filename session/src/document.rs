//! The state document: one JSON object, changed by pointer.
//!
//! Owns the tree and its encoded size, kept as it changes. What is put in must be canonical.
//! Copies are cheap until one of them changes. Knows nothing of who may see or write what.

pub(crate) mod pointer;

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::canonical::{depth, encoded_len, string_len};
pub(crate) use pointer::Pointer;

/// The state document.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Document {
    /// Always an object.
    root: Arc<Value>,
    bytes: usize,
}

/// Why the document cannot be changed like this.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum DocumentError {
    /// The path leads through a scalar or to no index of an array.
    NoSuchPlace,
    /// What is there is no number.
    NotANumber(Value),
    /// The sum is no canonical number.
    Overflow,
}

/// What a change did.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Done {
    /// Where, with the actual index for `-`.
    pub(crate) path: Pointer,
    /// What was there.
    pub(crate) previous: Option<Value>,
    /// How to take it back.
    pub(crate) undo: Undo,
}

/// Takes a change back. Apply in reverse order.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Undo {
    Nothing,
    Put(Vec<String>, Value),
    Insert(Vec<String>, Value),
    Take(Vec<String>),
}

enum Place<'a> {
    Found(&'a Value),
    /// `at`: the token that is not there, in this container.
    Missing {
        at: usize,
        container: &'a Value,
    },
}

impl Default for Document {
    fn default() -> Self {
        Self::new(Map::new())
    }
}

impl Document {
    /// A document of these members.
    pub(crate) fn new(members: Map<String, Value>) -> Self {
        let root = Value::Object(members);
        Self { bytes: encoded_len(&root), root: Arc::new(root) }
    }

    /// The whole, an object.
    pub(crate) fn root(&self) -> &Value {
        &self.root
    }

    /// Bytes of its JSON text.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Bytes it takes in memory, about: the text, and a node for every few members of an object.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.bytes + nodes(&self.root) * NODE_BYTES
    }

    /// Nested objects and arrays, itself counted.
    pub(crate) fn depth(&self) -> usize {
        depth(&self.root)
    }

    /// What the tokens lead to.
    pub(crate) fn get(&self, tokens: &[String]) -> Option<&Value> {
        tokens.iter().try_fold(self.root.as_ref(), step)
    }

    /// What a change at the path would find; None: nothing yet.
    ///
    /// # Errors
    /// [`DocumentError::NoSuchPlace`].
    pub(crate) fn look(&self, path: &Pointer) -> Result<Option<&Value>, DocumentError> {
        match self.find(path)?.1 {
            Place::Found(value) => Ok(Some(value)),
            Place::Missing { .. } => Ok(None),
        }
    }

    /// Sets a member, making missing parent objects.
    ///
    /// # Errors
    /// [`DocumentError::NoSuchPlace`].
    pub(crate) fn put(&mut self, path: &Pointer, value: Value) -> Result<Done, DocumentError> {
        let (tokens, place) = self.find(path)?;
        let (undo, previous) = match &place {
            Place::Found(previous) => {
                let previous = (*previous).clone();
                (Undo::Put(tokens.clone(), previous.clone()), Some(previous))
            }
            Place::Missing { at, .. } => (Undo::Take(tokens[..=*at].to_vec()), None),
        };
        let grown = match place {
            Place::Found(previous) => encoded_len(&value) as isize - encoded_len(previous) as isize,
            Place::Missing { at, container } => {
                added(container, &tokens[at], nested_len(&tokens[at + 1..], &value)) as isize
            }
        };
        store(Arc::make_mut(&mut self.root), &tokens, value).ok_or(DocumentError::NoSuchPlace)?;
        self.bytes = self.bytes.saturating_add_signed(grown);
        Ok(Done { path: Pointer::of(tokens), previous, undo })
    }

    /// Removes a member; one that is absent stays so.
    ///
    /// # Errors
    /// [`DocumentError::NoSuchPlace`], also for an index that is not there.
    pub(crate) fn take(&mut self, path: &Pointer) -> Result<Done, DocumentError> {
        let (tokens, place) = self.find(path)?;
        if let Place::Missing { container, .. } = place {
            if container.is_array() {
                return Err(DocumentError::NoSuchPlace);
            }
            return Ok(Done { path: path.clone(), previous: None, undo: Undo::Nothing });
        }
        let previous = self.cut(&tokens).ok_or(DocumentError::NoSuchPlace)?;
        let undo = Undo::Insert(tokens.clone(), previous.clone());
        Ok(Done { path: Pointer::of(tokens), previous: Some(previous), undo })
    }

    /// Adds to a number; an absent one starts at 0.
    ///
    /// # Errors
    /// All of [`DocumentError`].
    pub(crate) fn sum(&self, path: &Pointer, by: &Value) -> Result<Value, DocumentError> {
        let (_, place) = self.find(path)?;
        match place {
            Place::Missing { .. } => Ok(by.clone()),
            Place::Found(present) => {
                if !present.is_number() {
                    return Err(DocumentError::NotANumber(present.clone()));
                }
                add(present, by).ok_or(DocumentError::Overflow)
            }
        }
    }

    /// Takes a change back.
    pub(crate) fn undo(&mut self, undo: Undo) {
        match undo {
            Undo::Nothing => {}
            Undo::Take(tokens) => {
                self.cut(&tokens);
            }
            Undo::Put(tokens, value) => self.set_back(&tokens, value),
            Undo::Insert(tokens, value) => self.insert_back(&tokens, value),
        }
    }

    fn find(&self, path: &Pointer) -> Result<(Vec<String>, Place<'_>), DocumentError> {
        let mut tokens = path.tokens().to_vec();
        let last = tokens.len().checked_sub(1).ok_or(DocumentError::NoSuchPlace)?;
        let mut container = self.root.as_ref();
        for at in 0..tokens.len() {
            let missing = Place::Missing { at, container };
            let found = match container {
                Value::Object(members) => members.get(&tokens[at]),
                Value::Array(items) => {
                    let len = items.len();
                    let index = if tokens[at] == "-" { Some(len) } else { index(&tokens[at]) };
                    let index = index.ok_or(DocumentError::NoSuchPlace)?;
                    if index > len || (index == len && at != last) {
                        return Err(DocumentError::NoSuchPlace);
                    }
                    tokens[at] = index.to_string();
                    items.get(index)
                }
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                    return Err(DocumentError::NoSuchPlace);
                }
            };
            match found {
                Some(value) => container = value,
                None => return Ok((tokens, missing)),
            }
        }
        Ok((tokens, Place::Found(container)))
    }

    fn cut(&mut self, tokens: &[String]) -> Option<Value> {
        let (last, parents) = tokens.split_last()?;
        let container = reach(Arc::make_mut(&mut self.root), parents)?;
        let value = match container {
            Value::Object(members) => members.remove(last)?,
            Value::Array(items) => {
                let index = index(last).filter(|index| *index < items.len())?;
                items.remove(index)
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return None,
        };
        // Without the member the container is as before it was added.
        let less = added(container, last, encoded_len(&value));
        self.bytes -= less;
        Some(value)
    }

    fn set_back(&mut self, tokens: &[String], value: Value) {
        if let Some(place) = reach(Arc::make_mut(&mut self.root), tokens) {
            self.bytes = self.bytes - encoded_len(place) + encoded_len(&value);
            *place = value;
        }
    }

    fn insert_back(&mut self, tokens: &[String], value: Value) {
        let Some((last, parents)) = tokens.split_last() else { return };
        let Some(container) = reach(Arc::make_mut(&mut self.root), parents) else { return };
        self.bytes += added(container, last, encoded_len(&value));
        match container {
            Value::Object(members) => {
                members.insert(last.clone(), value);
            }
            Value::Array(items) => {
                if let Some(index) = index(last) {
                    items.insert(index, value);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
}

impl Serialize for Document {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.root.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Map::deserialize(deserializer).map(Self::new)
    }
}

/// Bytes of a tree node: eleven keys and values, and a little.
const NODE_BYTES: usize = 11 * (size_of::<String>() + size_of::<Value>()) + 16;

/// Tree nodes of all objects in it, half full where there are many.
fn nodes(value: &Value) -> usize {
    match value {
        Value::Object(members) => {
            members.len().div_ceil(8) + members.values().map(nodes).sum::<usize>()
        }
        Value::Array(items) => items.iter().map(nodes).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

/// An array index as RFC 6901 writes it.
fn index(token: &str) -> Option<usize> {
    let plain = token == "0" || !token.starts_with(['0', '+']);
    token.parse().ok().filter(|_| plain)
}

fn step<'a>(value: &'a Value, token: &String) -> Option<&'a Value> {
    match value {
        Value::Object(members) => members.get(token),
        Value::Array(items) => items.get(index(token)?),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

fn reach<'a>(root: &'a mut Value, tokens: &[String]) -> Option<&'a mut Value> {
    tokens.iter().try_fold(root, |value, token| match value {
        Value::Object(members) => members.get_mut(token),
        Value::Array(items) => items.get_mut(index(token)?),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    })
}

/// Puts the value where [`Document::find`] said it can be.
fn store(root: &mut Value, tokens: &[String], value: Value) -> Option<()> {
    let (last, parents) = tokens.split_last()?;
    let mut container = root;
    for token in parents {
        container = match container {
            Value::Object(members) => {
                members.entry(token.clone()).or_insert_with(|| Value::Object(Map::new()))
            }
            Value::Array(items) => items.get_mut(index(token)?)?,
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return None,
        };
    }
    match container {
        Value::Object(members) => {
            members.insert(last.clone(), value);
        }
        Value::Array(items) => match items.get_mut(index(last)?) {
            Some(place) => *place = value,
            None => items.push(value),
        },
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return None,
    }
    Some(())
}

/// Bytes that a member of this length adds to a container without it.
fn added(container: &Value, token: &str, value_len: usize) -> usize {
    match container {
        Value::Object(members) => {
            string_len(token) + 1 + value_len + usize::from(!members.is_empty())
        }
        Value::Array(items) => value_len + usize::from(!items.is_empty()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

/// Bytes of the value inside new objects named by the tokens.
fn nested_len(tokens: &[String], value: &Value) -> usize {
    encoded_len(value) + tokens.iter().map(|token| string_len(token) + 3).sum::<usize>()
}

fn add(left: &Value, right: &Value) -> Option<Value> {
    let integer = |value: &Value| {
        let signed = value.as_i64().map(i128::from);
        signed.or_else(|| value.as_u64().map(i128::from))
    };
    if let (Some(left), Some(right)) = (integer(left), integer(right)) {
        let sum = left + right;
        let signed = i64::try_from(sum).ok().map(Value::from);
        return signed.or_else(|| u64::try_from(sum).ok().map(Value::from));
    }
    crate::canonical::number(left.as_f64()? + right.as_f64()?).map(Value::Number)
}

#[cfg(test)]
mod tests;
