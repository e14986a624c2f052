//! What a use leaves open, in the `choices` of a message (`schema/actions.json`): `option` is the
//! attack, set or action that it is to be, of several that it can be; `path` the squares that it
//! steps on, in order from the present one, which is left out, as columns and rows in turn: `[3, 6,
//! 4, 6]` steps on (3, 6), then on (4, 6). The others are those of a spell that it casts.

use std::collections::BTreeMap;

use gss_rules::Key;
use gss_rules::effect::Choice;
use gss_rules::space::Square;

use crate::command::Parse;
use crate::refusal;

/// Squares of a path at most.
pub(super) const PATH: usize = 1_000;

/// What was chosen of a use.
#[derive(Clone, PartialEq, Default, Debug)]
pub(crate) struct Chosen {
    /// Of what it can be, one.
    pub(crate) option: Option<Key>,
    /// Where it steps with it.
    pub(crate) path: Vec<Square>,
    /// All that was chosen but the path.
    pub(crate) choices: BTreeMap<Key, Choice>,
}

impl Chosen {
    /// Reads the choices of a message.
    ///
    /// # Errors
    /// `invalid_argument`: a path that is none.
    pub(super) fn read(mut choices: BTreeMap<Key, Choice>) -> Parse<Self> {
        let option = choices.get("option").and_then(|option| match option {
            Choice::Word(option) => Key::parse(option).ok(),
            _ => None,
        });
        let path = choices.remove("path").map_or(Ok(Vec::new()), |path| squares(&path))?;
        Ok(Self { option, path, choices })
    }
}

fn squares(path: &Choice) -> Parse<Vec<Square>> {
    let numbers = match path {
        Choice::Numbers(numbers) if numbers.len() <= 2 * PATH => numbers.as_slice(),
        _ => &[],
    };
    let (squares, rest) = numbers.as_chunks();
    if squares.is_empty() || !rest.is_empty() {
        let fact = format!("is the columns and rows of 1 to {PATH} squares, in turn");
        return Err(refusal::argument("choices.path", &fact));
    }
    Ok(squares.iter().map(|[x, y]| Square { x: *x, y: *y }).collect())
}
