//! What must hold of a whole run: checked over full histories, the journal and the hub.

use std::collections::{BTreeMap, BTreeSet};

use gss_session::Session;
use gss_shared::ids::{SessionId, Version};
use gss_shared::link::frame::ReadKind;
use gss_shared::ports::hub::HubMessage;
use gss_shared::ports::journal::JournalEvent;
use gss_tests::history::{self, Fate, Heard, History, Reading, Repeats};
use serde_json::Value;

use crate::player::Presence;
use crate::table::Log;

/// The journal of each session.
pub(crate) type Journals = BTreeMap<SessionId, Vec<JournalEvent>>;

/// Everything that is wrong with one table.
pub(crate) fn table(log: &Log, journals: &Journals, hub: &[HubMessage]) -> Vec<String> {
    let mut wrong = log.problems.clone();
    let Some(session) = log.session else { return wrong };
    let empty = Vec::new();
    let journal = journals.get(&session).unwrap_or(&empty);
    let histories: Vec<History> = log.records.iter().map(|(record, _)| record.history()).collect();
    let mut found = history::check_journal(session, journal);
    found.extend(history::check_fights(session, journal));
    found.extend(history::check_commands(&histories, journals));
    let reading = Reading::of(journal);
    for (history, (_, presence)) in histories.iter().zip(&log.records) {
        let complete = *presence == Presence::AtTheTable && log.settled;
        found.extend(history::check_stream(history, &reading, complete));
        found.extend(history::check_snapshots(history, &reading, complete));
        found.extend(history::check_marks(history, &reading));
        found.extend(history::check_audience(history, &reading));
    }
    let heard: Vec<Heard> = hub.iter().filter_map(heard).collect();
    found.extend(history::check_hub(session, journal, &heard, Repeats::Allowed));
    found.extend(history::check_calls(session, journal, &log.calls));
    wrong.extend(found.iter().map(ToString::to_string));
    wrong.extend(replayed(log, session, journal));
    wrong
}

/// Whether the hub has every message of these journals.
pub(crate) fn is_relayed(journals: &Journals, hub: &[HubMessage]) -> bool {
    let taken: BTreeSet<&str> = hub.iter().map(|message| message.message_id.as_str()).collect();
    journals.iter().all(|(session, journal)| {
        let told = journal.iter().map(|event| gss_session::hub_message(*session, event));
        let mut told = told.filter_map(|message| message.ok().flatten());
        told.all(|message| taken.contains(message.message_id.as_str()))
    })
}

fn heard(message: &HubMessage) -> Option<Heard> {
    let header = |wanted| {
        let mut headers = message.headers.iter();
        headers.find(|(name, _)| *name == wanted).map(|(_, value)| value.as_str())
    };
    Some(Heard {
        session: header("session_id")?.parse().ok()?,
        version: Version(header("version")?.parse().ok()?),
        message_id: message.message_id.clone(),
        event_type: message.event_type.to_string(),
        body: serde_json::from_str(&message.body).ok()?,
        redelivered: false,
    })
}

/// Replay gives what the owner answered.
fn replayed(log: &Log, session: SessionId, journal: &[JournalEvent]) -> Vec<String> {
    let replayed = match Session::replay(session, None, journal) {
        Ok(Some(replayed)) => replayed,
        Ok(None) => return vec![format!("{session}: nothing is in the journal")],
        Err(error) => return vec![format!("{session}: replay: {error}")],
    };
    let mut wrong = Vec::new();
    for (player, document) in &log.documents {
        let read = replayed.read(&ReadKind::State, *player, &BTreeMap::new());
        let state = read.ok().and_then(|text| serde_json::from_str::<Value>(&text).ok());
        let state = state.map(|state| state["state"].clone());
        if state.as_ref() != Some(document) {
            wrong.push(format!("{session} {player} reads {document}, replay says {state:?}"));
        }
    }
    for (player, shown) in &log.shown {
        if let Some(unfit) = shown.unfit() {
            wrong.push(format!("{session} {player}: a message that does not fit: {unfit}"));
        }
        let read = log.documents.iter().find(|(reader, _)| reader == player);
        if read.is_some_and(|(_, document)| document != shown.state()) {
            let shown = shown.state();
            wrong.push(format!("{session} {player} is shown {shown}, and would read {read:?}"));
        }
    }
    wrong
}

/// Commands sent, and those acknowledged.
pub(crate) fn commands(log: &Log) -> (usize, usize) {
    let histories: Vec<History> = log.records.iter().map(|(record, _)| record.history()).collect();
    let sent = || histories.iter().flat_map(|history| &history.sent);
    let acknowledged = sent().filter(|sent| matches!(sent.fate, Fate::Acknowledged(_)));
    (sent().count(), acknowledged.count())
}
