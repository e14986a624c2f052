//! What a load left: whole histories and journals, the checks over them, and figures.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use gss_shared::ids::SessionId;
use gss_shared::ports::journal::JournalEvent;
use gss_shared::time::Timestamp;
use tokio::time::Instant;

use crate::fight;
use crate::figures::Figures;
use crate::history::{self, Calls, Fate, History, Ownership, Reading, Sent, Violation};

/// What happens to a session this long before and after its owner changed is held against that.
const ASIDE: Duration = Duration::from_millis(500);

/// Everything that was seen and stored.
pub struct Outcome {
    /// One per client that stayed.
    pub histories: Vec<History>,
    /// Of clients that left meanwhile.
    pub guests: Vec<History>,
    /// What the GMs did by REST.
    pub calls: BTreeMap<SessionId, Calls>,
    /// One per session.
    pub journals: BTreeMap<SessionId, Vec<JournalEvent>>,
    /// Who could write when.
    pub ownership: Ownership,
}

impl Outcome {
    /// All checks over all histories. Of the sessions at fault everything is written to a file
    /// that the error names.
    ///
    /// # Errors
    /// Names the first violations.
    pub fn check(&self) -> Result<()> {
        let violations = self.violations();
        if !violations.is_empty() {
            let kept = self.keep(&violations)?;
            let first = &violations[..violations.len().min(10)];
            bail!("{} violations, see {}; the first: {first:#?}", violations.len(), kept.display());
        }
        let ownership = history::check_ownership(&self.ownership);
        ensure!(ownership.is_empty(), "{ownership:#?}");
        ensure!(self.acknowledged() > 0, "nothing was acknowledged: nothing was tested");
        Ok(())
    }

    /// What is wrong with the histories and the journal; not who could write.
    pub fn violations(&self) -> Vec<Violation> {
        let mut violations: Vec<Violation> = Vec::new();
        for (session, journal) in &self.journals {
            violations.extend(history::check_journal(*session, journal));
            violations.extend(history::check_fights(*session, journal));
            if let Some(calls) = self.calls.get(session) {
                violations.extend(history::check_calls(*session, journal, calls));
            }
        }
        let all: Vec<&History> = self.histories.iter().chain(&self.guests).collect();
        violations.extend(history::check_commands(&all, &self.journals));
        let readings: BTreeMap<SessionId, Reading<'_>> =
            self.journals.iter().map(|(id, journal)| (*id, Reading::of(journal))).collect();
        let nothing = Reading::of(&[]);
        for (number, history) in all.into_iter().enumerate() {
            let reading = readings.get(&history.session).unwrap_or(&nothing);
            let stayed = number < self.histories.len();
            violations.extend(history::check_stream(history, reading, stayed));
            violations.extend(history::check_snapshots(history, reading, stayed));
            violations.extend(history::check_audience(history, reading));
        }
        violations
    }

    /// Writes what is known of the sessions at fault to a file and returns its path.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep(&self, violations: &[Violation]) -> Result<PathBuf> {
        let sessions: BTreeSet<SessionId> = violations.iter().map(|one| one.session).collect();
        let histories = self.histories.iter().chain(&self.guests);
        let histories: Vec<&History> =
            histories.filter(|one| sessions.contains(&one.session)).collect();
        let journals: Vec<_> =
            self.journals.iter().filter(|(session, _)| sessions.contains(session)).collect();
        let mut file = tempfile::Builder::new().prefix("gss-violations-").tempfile()?;
        writeln!(file, "{violations:#?}\n{journals:#?}\n{histories:#?}")?;
        Ok(file.keep()?.1)
    }

    /// Commands that were acknowledged.
    pub fn acknowledged(&self) -> usize {
        self.fates(|fate| matches!(fate, Fate::Acknowledged(_)))
    }

    /// Commands that were refused, by code; those about fights are not counted: they come too late,
    /// or the rules are against them.
    pub fn refusals(&self) -> BTreeMap<String, usize> {
        let mut codes = BTreeMap::new();
        let talk = |sent: &&Sent| !fight::is_about(sent.frame["type"].as_str().unwrap_or_default());
        for sent in self.histories.iter().flat_map(|history| &history.sent).filter(talk) {
            if let Fate::Refused(code) = &sent.fate {
                *codes.entry(code.clone()).or_default() += 1;
            }
        }
        codes
    }

    /// Error frames that clients got, by code: also those that were followed by a success.
    pub fn errors(&self) -> BTreeMap<String, usize> {
        let mut codes = BTreeMap::new();
        for frame in self.histories.iter().flat_map(History::frames) {
            if let Some(code) = frame["error"]["code"].as_str() {
                *codes.entry(code.to_owned()).or_default() += 1;
            }
        }
        codes
    }

    /// Error frames but those by which a command about a fight was refused: it came too late, or
    /// the rules are against it.
    pub fn troubles(&self) -> BTreeMap<String, usize> {
        let mut codes = BTreeMap::new();
        for history in &self.histories {
            let refused: BTreeSet<String> = history
                .sent
                .iter()
                .filter(|sent| matches!(sent.fate, Fate::Refused(_)))
                .filter(|sent| fight::is_about(sent.frame["type"].as_str().unwrap_or_default()))
                .map(|sent| sent.action.to_string())
                .collect();
            for frame in history.frames() {
                let Some(code) = frame["error"]["code"].as_str() else { continue };
                let action = frame["error"]["details"]["action_id"].as_str();
                if !action.is_some_and(|action| refused.contains(action)) {
                    *codes.entry(code.to_owned()).or_default() += 1;
                }
            }
        }
        codes
    }

    /// Commands nobody knows the fate of.
    pub fn unknown(&self) -> usize {
        self.fates(|fate| *fate == Fate::Unknown)
    }

    fn fates(&self, which: impl Fn(&Fate) -> bool) -> usize {
        let sent = self.histories.iter().flat_map(|history| &history.sent);
        sent.filter(|sent| which(&sent.fate)).count()
    }

    /// Sockets that were closed by the server or the network.
    pub fn closes(&self) -> usize {
        self.histories.iter().map(History::closes).sum()
    }

    /// Connections that were opened again, all of them resumed.
    ///
    /// # Errors
    /// Names who got a snapshot instead.
    pub fn resumed(&self) -> Result<usize> {
        let mut resumed = 0;
        for history in &self.histories {
            for (number, whole) in history.reopenings().into_iter().enumerate() {
                let History { session, player, .. } = history;
                ensure!(whole, "reopening {number} of {player} at {session} was not resumed");
                resumed += 1;
            }
        }
        Ok(resumed)
    }

    /// Commands that clients sent to the session, client by client.
    fn sent(&self, session: SessionId) -> impl Iterator<Item = &Sent> {
        let histories = self.histories.iter().filter(move |history| history.session == session);
        histories.flat_map(|history| &history.sent)
    }

    /// Per session, the longest time from a command that was due in this span to its fate.
    pub fn longest_answers(
        &self,
        sessions: &[SessionId],
        from: Instant,
        to: Instant,
    ) -> Vec<Duration> {
        let longest = |session: &SessionId| {
            let sent = self.sent(*session).filter(|sent| sent.at >= from && sent.at <= to);
            sent.filter_map(Sent::wait).max()
        };
        sessions.iter().filter_map(longest).collect()
    }

    /// Per session whose owner changed after `from`, the longest time to a fate of what waited for
    /// one within [`ASIDE`] of the new owner's first acknowledgement. What else was slow then, for
    /// whatever reason, is [`Self::longest_answers`]' to tell.
    pub fn handoff_pauses(&self, sessions: &[SessionId], from: Instant) -> Vec<Duration> {
        let pause = |session: &SessionId| {
            let first = self.first_of_new_owner(*session, from)?;
            let near = |sent: &&Sent| {
                sent.at <= first + ASIDE && sent.answered.is_some_and(|at| at + ASIDE >= first)
            };
            self.sent(*session).filter(near).filter_map(Sent::wait).max()
        };
        sessions.iter().filter_map(pause).collect()
    }

    /// When the first command was acknowledged that was committed under a higher epoch than any
    /// acknowledged before `from`.
    fn first_of_new_owner(&self, session: SessionId, from: Instant) -> Option<Instant> {
        let journal = self.journals.get(&session)?;
        let epochs: BTreeMap<_, _> = journal.iter().map(|e| (e.version, e.epoch)).collect();
        let acknowledged = self.sent(session).filter_map(|sent| match &sent.fate {
            Fate::Acknowledged(version) => Some((sent.answered?, *epochs.get(version)?)),
            _ => None,
        });
        let (before, after): (Vec<_>, Vec<_>) = acknowledged.partition(|(at, _)| *at <= from);
        let known = before.iter().map(|(_, epoch)| *epoch).max()?;
        after.iter().filter(|(_, epoch)| *epoch > known).map(|(at, _)| *at).min()
    }

    /// Time from `from` to the first acknowledgement of a command that was due after it.
    pub fn first_answer_after(&self, session: SessionId, from: Instant) -> Option<Duration> {
        let sent = self.sent(session).filter(|sent| sent.at >= from);
        let acknowledged = sent.filter(|sent| matches!(sent.fate, Fate::Acknowledged(_)));
        Some(acknowledged.filter_map(|sent| sent.answered).min()?.duration_since(from))
    }

    /// Time from the due to the fate of every command due in this span.
    pub fn answers(&self, from: Instant, to: Instant) -> Figures {
        let sent = self.histories.iter().flat_map(|history| &history.sent);
        let sent = sent.filter(|sent| sent.at >= from && sent.at <= to);
        Figures::of(sent.filter_map(Sent::wait))
    }

    /// Time from `from`, at which the owner of these sessions died, to the first commit of each
    /// under another epoch.
    pub fn first_commits_after(&self, from: Timestamp, sessions: &[SessionId]) -> Vec<Duration> {
        let first = |session: &SessionId| {
            let journal = self.journals.get(session)?;
            let epoch = journal.iter().rev().find(|event| event.at <= from)?.epoch;
            let event = journal.iter().find(|event| event.at > from && event.epoch > epoch)?;
            Some(Duration::from_millis(u64::try_from(event.at.since_ms(from)).ok()?))
        };
        sessions.iter().filter_map(first).collect()
    }
}
