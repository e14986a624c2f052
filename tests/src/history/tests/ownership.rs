//! Faults of who writes.

use gss_shared::ids::{Epoch, Incarnation, Shard, Version};

use super::table::SESSION;
use crate::history::check_ownership;
use crate::history::ownership::{Owner, Ownership, Row};

fn owner(shard: u16, epoch: u64, node: &str, incarnation: u64) -> Owner {
    let owner = (node.to_owned(), Incarnation(incarnation));
    Owner { shard: Shard(shard), epoch: Epoch(epoch), owner }
}

fn row(shard: u16, version: u64, epoch: u64) -> Row {
    let (shard, version, epoch) = (Shard(shard), Version(version), Epoch(epoch));
    Row { shard, session: SESSION, version, epoch }
}

fn right() -> Ownership {
    Ownership {
        owners: vec![
            owner(3, 1, "node-1", 11),
            owner(4, 1, "node-2", 22),
            owner(3, 2, "node-2", 22),
            owner(3, 3, "node-1", 12),
        ],
        rows: vec![row(3, 1, 1), row(4, 1, 1), row(3, 2, 2), row(4, 2, 1), row(3, 3, 3)],
    }
}

#[test]
fn one_writer_per_epoch_is_right() {
    assert_eq!(check_ownership(&right()), Vec::<String>::new());
    assert_eq!(check_ownership(&Ownership::default()), Vec::<String>::new());
}

#[test]
fn two_writers_in_an_epoch() {
    for (second, shown) in [
        (owner(3, 3, "node-2", 22), r#"("node-2", Incarnation(22))"#),
        // The same node, started again.
        (owner(3, 3, "node-1", 13), r#"("node-1", Incarnation(13))"#),
    ] {
        let mut known = right();
        known.owners.push(second);
        let first = r#"("node-1", Incarnation(12))"#;
        let expected = format!("shard 3, epoch 3: {first} and {shown} write");
        assert_eq!(check_ownership(&known), [expected]);
    }
}

#[test]
fn an_epoch_that_goes_backwards() {
    let mut known = right();
    known.owners.push(owner(3, 2, "node-2", 22));
    known.rows.clear();
    assert_eq!(check_ownership(&known), ["shard 3: epoch 2 after 3"]);
}

#[test]
fn a_row_written_after_its_epoch_was_over() {
    let mut known = right();
    known.rows.push(row(3, 4, 2));
    let expected =
        format!("shard 3, session {SESSION}, version 4: written in epoch 2 after a row of 3");
    assert_eq!(check_ownership(&known), [expected]);
}

#[test]
fn a_row_of_an_epoch_that_nobody_was_given() {
    let mut known = right();
    known.rows.push(row(4, 3, 2));
    let expected = format!(
        "shard 4, session {SESSION}, version 3: written in epoch 2, which nobody was given"
    );
    assert_eq!(check_ownership(&known), [expected]);
}
