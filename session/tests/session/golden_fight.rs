//! Golden files of a fight: what was stored of it stays readable, and is told as it was.
//!
//! `fight-0.jsonl` and `fight-1.jsonl` are one fight, with attacks, effects, a question, its answer and
//! a rewind, as releases wrote it. In the first each player's version of a message is stored whole, in
//! the second as far as it is not that of others. `fight-0.json` is the session's state at its end.

use gss_session::{Session, message};
use gss_shared::ids::{Position, SessionId};
use gss_shared::message::Message;

use crate::golden::{events, golden};
use crate::support::id;

fn told(name: &str) -> Vec<Message> {
    let mut after = Position::START;
    let messages = events(name).into_iter().map(|event| {
        let told = message(&event, after).expect("a message");
        after = told.position;
        told
    });
    messages.collect()
}

#[test]
fn a_fight_of_every_shape_comes_to_the_same_and_is_told_alike() {
    let table = SessionId(id(0));
    let restored = Session::restore(table, &golden("fight-0.json")).expect("restore");
    for stored in ["fight-0.jsonl", "fight-1.jsonl"] {
        let replayed = Session::replay(table, None, &events(stored)).expect("replay");
        assert_eq!(replayed.as_ref(), Some(&restored), "{stored}");
    }
    let (whole, apart) = (golden("fight-0.jsonl"), golden("fight-1.jsonl"));
    assert!(!whole.contains("\"apart\":") && apart.contains("\"apart\":"));
    assert_eq!(told("fight-0.jsonl"), told("fight-1.jsonl"));
}
