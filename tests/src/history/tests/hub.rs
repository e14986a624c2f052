//! Faults in what other services hear.

use gss_shared::ids::Version;
use serde_json::json;

use super::table::{ARIA, BREN, SESSION, Table};
use super::{found, names};
use crate::history::{Heard, Repeats, check_hub};

/// A table and everything that is said of it, in order.
fn said() -> (Table, Vec<Heard>) {
    let mut table = Table::new();
    table.change(ARIA, "/shared/a", &json!(1));
    table.chat(BREN, "hello", &json!("all"));
    let messages = table.journal.iter().filter_map(|event| {
        let message = gss_session::hub_message(SESSION, event).expect("readable")?;
        Some(Heard {
            session: SESSION,
            version: event.version,
            message_id: message.message_id,
            event_type: message.event_type.to_owned(),
            body: serde_json::from_str(&message.body).expect("JSON"),
            redelivered: false,
        })
    });
    let heard = messages.collect();
    (table, heard)
}

fn at(version: Version) -> String {
    format!("session {SESSION}, version {version}: ")
}

#[test]
fn the_whole_journal_in_order_is_right() {
    let (table, heard) = said();
    assert!(heard.len() > 4, "{heard:#?}");
    for repeats in [Repeats::Violation, Repeats::Allowed] {
        found(&check_hub(SESSION, &table.journal, &heard, repeats), &[]);
    }
}

#[test]
fn a_missing_message() {
    let (table, mut heard) = said();
    for place in [heard.len() - 1, 1] {
        let lost = heard.remove(place);
        let what = format!("hub message {} ({}) is missing", lost.message_id, lost.event_type);
        let violations = check_hub(SESSION, &table.journal, &heard, Repeats::Allowed);
        names(&violations, &at(lost.version), &what);
    }
}

#[test]
fn messages_out_of_order() {
    let (table, mut heard) = said();
    let last = heard.len() - 1;
    heard.swap(last, last - 1);
    let (early, late) = (heard[last - 1].version, heard[last].version);
    let what = format!("hub message came first after that of {early}");
    let violations = check_hub(SESSION, &table.journal, &heard, Repeats::Allowed);
    found(&violations, &[at(late) + &what]);
}

#[test]
fn a_message_that_comes_twice() {
    let (table, mut heard) = said();
    let again = heard[1].clone();
    let what = format!("hub message {} was sent twice", again.message_id);
    let version = again.version;
    heard.push(again);
    let check = |heard: &[Heard], repeats| check_hub(SESSION, &table.journal, heard, repeats);
    found(&check(&heard, Repeats::Violation), &[at(version) + &what]);
    // After lost confirms a repeat is right, and the broker's own is none of the relay's.
    found(&check(&heard, Repeats::Allowed), &[]);
    heard.last_mut().expect("the repeat").redelivered = true;
    found(&check(&heard, Repeats::Violation), &[]);
}

#[test]
fn an_event_that_is_told_under_another_name() {
    let (table, mut heard) = said();
    let mut again = heard[1].clone();
    again.message_id = "another".to_owned();
    let version = again.version;
    heard.push(again);
    let violations = check_hub(SESSION, &table.journal, &heard, Repeats::Allowed);
    found(&violations, &[at(version) + "hub message another is not of the journal"]);
}

type Alter = fn(&mut Heard);

#[test]
fn a_message_with_another_content() {
    let (table, right) = said();
    let alter: [(Alter, &str); 3] = [
        (|heard| heard.body["change_type"] = json!("other"), "the journal says"),
        (|heard| "session.other".clone_into(&mut heard.event_type), "is a session.other"),
        (|heard| heard.version = heard.version.next(), "names version"),
    ];
    for (alter, what) in alter {
        let mut heard = right.clone();
        let last = heard.last_mut().expect("a message");
        alter(last);
        let version = last.version;
        let violations = check_hub(SESSION, &table.journal, &heard, Repeats::Allowed);
        names(&violations, &at(version), what);
    }
    // Also where only the repeat differs.
    let (_, mut heard) = said();
    let mut again = heard[1].clone();
    again.body = json!({});
    heard.push(again);
    assert_eq!(check_hub(SESSION, &table.journal, &heard, Repeats::Allowed).len(), 1);
}
