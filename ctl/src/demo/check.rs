//! The history against the journal: nothing lost, nothing twice, nothing out of order, nothing that
//! was for others, and every answer true.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};
use gss_session::{Session, message};
use gss_shared::ids::{EventId, Position, SessionId, Version};
use gss_shared::message::{Message, Viewer, close_frame};
use gss_shared::ports::journal::{Journal, JournalEvent};
use serde_json::Value;

use crate::demo::Cast;
use crate::demo::bot::Bot;
use crate::demo::stream::{self, Entry, Told};

/// Events read at a time.
const PAGE: usize = 500;

/// What the journal says.
struct History {
    events: Vec<JournalEvent>,
    messages: Vec<Message>,
    /// The session's state at the end.
    last: Session,
}

/// Everything that does not hold.
pub(super) async fn all(journal: &dyn Journal, cast: &Cast) -> Result<Vec<String>> {
    let session = SessionId(cast.session);
    let history = History::read(journal, session).await?;
    let mut findings = history.gaps();
    findings.extend(history.replay(journal, session).await?);
    findings.extend(history.judged(session));
    for bot in cast.all() {
        let Some(viewer) = history.last.viewer(bot.player) else {
            bail!("the journal does not know {}", bot.name);
        };
        let entries = stream::read(&bot.frames()).map_err(anyhow::Error::msg)?;
        let told = entries.iter().filter(|entry| matches!(entry, Entry::Told(_))).count();
        let mut of_bot = chain(&entries);
        of_bot.extend(history.compare(viewer, &entries));
        of_bot.extend(history.answers(bot, &entries));
        let (name, commands) = (bot.name, bot.sent().len());
        println!("{name:<7} {told} messages, {commands} commands, {} finding(s)", of_bot.len());
        findings.extend(of_bot.into_iter().map(|finding| format!("{name}: {finding}")));
    }
    Ok(findings)
}

impl History {
    async fn read(journal: &dyn Journal, session: SessionId) -> Result<Self> {
        let mut events: Vec<JournalEvent> = Vec::new();
        loop {
            let after = events.last().map_or(Version::ZERO, |event| event.version);
            let page = journal.events(session, after, PAGE).await?;
            if page.is_empty() {
                break;
            }
            events.extend(page);
        }
        let mut messages = Vec::new();
        let mut after = Position::START;
        for event in &events {
            let message = message(event, after)?;
            after = message.position;
            messages.push(message);
        }
        let Some(last) = Session::replay(session, None, &events)? else {
            bail!("the journal has no event of {session}");
        };
        Ok(Self { events, messages, last })
    }

    /// Versions count 1, 2, 3 …; no event and no accepted action is there twice.
    fn gaps(&self) -> Vec<String> {
        let mut findings = Vec::new();
        for (event, expected) in self.events.iter().zip(1..) {
            if event.version.0 != expected {
                findings.push(format!("journal: version {} at place {expected}", event.version));
            }
        }
        let events: BTreeSet<EventId> = self.events.iter().map(|event| event.id).collect();
        let actions: Vec<_> = self.events.iter().filter_map(|event| event.action).collect();
        let distinct: BTreeSet<_> = actions.iter().map(|(action, _)| action).collect();
        if events.len() != self.events.len() || distinct.len() != actions.len() {
            findings.push("journal: an event or an action is there twice".to_owned());
        }
        println!("journal {} events, {} actions", self.events.len(), actions.len());
        findings
    }

    /// Folding all events gives the same as folding on from a stored snapshot.
    async fn replay(&self, journal: &dyn Journal, session: SessionId) -> Result<Vec<String>> {
        let Some(snapshot) = journal.snapshot(session, None).await? else { return Ok(Vec::new()) };
        let version = snapshot.position.version;
        let rest: Vec<_> =
            self.events.iter().filter(|event| event.version > version).cloned().collect();
        let again = Session::replay(session, Some(&snapshot.state), &rest)?;
        let same = again.is_some_and(|again| again.snapshot() == self.last.snapshot());
        let finding = format!("journal: the snapshot at {version} differs from the replay");
        Ok(if same { Vec::new() } else { vec![finding] })
    }

    /// Every fight decided again, face by face, comes to what the journal says.
    fn judged(&self, session: SessionId) -> Option<String> {
        match gss_session::judge(session, &self.events) {
            Ok(judged) => {
                let (fights, steps, faces) = (judged.fights, judged.steps, judged.faces);
                println!("judge   {fights} fight(s), {steps} steps, {faces} faces");
                None
            }
            Err(wrong) => Some(format!("judge: {wrong}")),
        }
    }

    /// What this viewer received is what the journal has for it, each once.
    fn compare(&self, viewer: Viewer, entries: &[Entry]) -> Vec<String> {
        let Some(Entry::Snapshot(start)) = entries.get(1) else {
            return vec!["no snapshot after the first opening".to_owned()];
        };
        let expected = self.messages.iter().filter(|message| message.version().0 > *start);
        let expected: BTreeMap<u64, Value> = expected
            .filter_map(|message| {
                let (_, head) = message.head_for(viewer)?;
                let mut frame: Value =
                    serde_json::from_str(&close_frame(head, Version::ZERO)).ok()?;
                frame["data"].as_object_mut()?.remove("prev");
                Some((message.version().0, frame))
            })
            .collect();
        let mut findings = Vec::new();
        let mut seen = BTreeSet::new();
        for Told { version, frame, .. } in told(entries) {
            if !seen.insert(*version) {
                findings.push(format!("version {version} came twice"));
            }
            match expected.get(version) {
                Some(expected) if expected == frame => {}
                Some(expected) => {
                    findings
                        .push(format!("version {version} was {frame}, the journal: {expected}"));
                }
                None => findings.push(format!("version {version} was not for it: {frame}")),
            }
        }
        let missing = expected.keys().filter(|version| !seen.contains(version));
        findings.extend(missing.map(|version| format!("version {version} never came")));
        findings
    }

    /// Every acknowledged command is in the journal once, every refused one is not.
    fn answers(&self, bot: &Bot, entries: &[Entry]) -> Vec<String> {
        let mut findings = Vec::new();
        let accepted: BTreeMap<String, u64> = self
            .events
            .iter()
            .filter_map(|event| Some((event.action?.0.to_string(), event.version.0)))
            .collect();
        let sent = bot.sent();
        for command in &sent {
            let (kind, action) = (&command.kind, command.action.to_string());
            let first = accepted.get(&action);
            match (&command.outcome, first) {
                (Ok(ack), Some(first)) if ack.version >= *first => {}
                // Refused for having been accepted before.
                (Err(code), Some(_)) if code == "action_id_reused" => {}
                (Err(_), None) => {}
                (outcome, first) => findings
                    .push(format!("{kind} {action}: answered {outcome:?}, journal: {first:?}")),
            }
        }
        let acks = entries.iter().filter(|entry| matches!(entry, Entry::Ack(..))).count();
        let asked = sent.iter().filter(|command| command.outcome.is_ok()).count();
        if acks != asked {
            findings.push(format!("{acks} acknowledgements for {asked} accepted commands"));
        }
        findings
    }
}

fn told(entries: &[Entry]) -> impl Iterator<Item = &Told> {
    entries.iter().filter_map(|entry| match entry {
        Entry::Told(told) => Some(told),
        Entry::Opened { .. } | Entry::Snapshot(_) | Entry::Ack(..) => None,
    })
}

/// What the next message's `prev` may be.
#[derive(Clone, Copy)]
enum Before {
    /// The last message.
    Exactly(u64),
    /// A snapshot: whatever it held.
    AtMost(u64),
    /// The position resumed from, which may be that of an acknowledgement.
    AtLeast(u64),
}

/// Versions only grow, and each message names the one before it.
fn chain(entries: &[Entry]) -> Vec<String> {
    let mut findings = Vec::new();
    let (mut last, mut before) = (0, Before::AtMost(0));
    for entry in entries {
        match entry {
            Entry::Opened { resumed: true } => before = Before::AtLeast(last),
            Entry::Opened { resumed: false } => (last, before) = (0, Before::AtMost(0)),
            Entry::Snapshot(version) => {
                if *version < last {
                    findings.push(format!("a snapshot at {version} after {last}"));
                }
                (last, before) = (*version, Before::AtMost(*version));
            }
            Entry::Told(Told { version, prev, .. }) => {
                let follows = match before {
                    Before::Exactly(last) => *prev == last,
                    Before::AtMost(last) => *prev <= last,
                    Before::AtLeast(last) => (last..*version).contains(prev),
                };
                if *version <= last || !follows {
                    findings.push(format!("version {version} with prev {prev} after {last}"));
                }
                (last, before) = (*version, Before::Exactly(*version));
            }
            Entry::Ack(..) => {}
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(version: u64, prev: u64) -> Entry {
        Entry::Told(Told { version, prev, frame: json!({}) })
    }

    #[test]
    fn a_broken_chain_is_found() {
        let opened = |resumed| Entry::Opened { resumed };
        let good =
            [opened(false), Entry::Snapshot(3), told(5, 2), told(6, 5), opened(true), told(9, 8)];
        assert_eq!(chain(&good), [""; 0]);
        let lost = [opened(false), Entry::Snapshot(3), told(5, 3), told(7, 6)];
        assert_eq!(chain(&lost), ["version 7 with prev 6 after 5"]);
        let twice = [opened(false), Entry::Snapshot(3), told(5, 3), told(5, 3)];
        assert_eq!(chain(&twice), ["version 5 with prev 3 after 5"]);
        let back = [opened(false), Entry::Snapshot(3), told(5, 3), Entry::Snapshot(4)];
        assert_eq!(chain(&back), ["a snapshot at 4 after 5"]);
    }
}
