//! Sessions as folds of the journal: the highest usable snapshot and the events after it.

use gss_session::{Corrupt, Session};
use gss_shared::beside::{Panicked, beside};
use gss_shared::ids::{Position, SessionId, Version};
use gss_shared::ports::journal::{JournalError, JournalEvent, Snapshot};

use super::Loader;
use crate::limits::{LARGE_STATE_BYTES, PAGE_EVENTS};
use crate::work::{Candidate, Loaded};

impl Loader {
    /// The session up to `at_most` (None: whole).
    pub(super) async fn load(
        &self,
        session: SessionId,
        at_most: Option<Version>,
    ) -> Result<Loaded, JournalError> {
        let snapshot = self.journal.snapshot(session, at_most).await?;
        let stored = snapshot.as_ref().map_or(Version::ZERO, |found| found.position.version);
        let mut start = None;
        if let Some(snapshot) = snapshot {
            match restore(session, snapshot).await {
                Ok(restored) => start = Some(restored),
                Err(why) => {
                    tracing::error!(%session, why, "snapshot cannot be read, replaying everything");
                }
            }
        }
        self.fold(session, start, stored, at_most).await
    }

    async fn fold(
        &self,
        id: SessionId,
        start: Option<Session>,
        stored: Version,
        at_most: Option<Version>,
    ) -> Result<Loaded, JournalError> {
        let mut loaded =
            Loaded { session: start, tail_events: 0, tail_bytes: 0, saves: Vec::new() };
        loop {
            let after = loaded.session.as_ref().map_or(Position::START, Session::position).version;
            let mut events = self.journal.events(id, after, PAGE_EVENTS).await?;
            let more = events.len() == PAGE_EVENTS;
            if let Some(at_most) = at_most {
                events.retain(|event| event.version <= at_most);
            }
            let complete = !more || events.len() < PAGE_EVENTS;
            loaded.tail_events += u64::try_from(events.len()).unwrap_or(u64::MAX);
            let bytes: usize = events.iter().map(|event| event.data.len()).sum();
            loaded.tail_bytes += bytes;
            let (session, saves) = apply(id, loaded.session, events, bytes).await?;
            loaded.session = session;
            // A session's snapshots are stored in its order: what is not behind the last is missing.
            loaded.saves.extend(saves.into_iter().filter(|save| save.position.version > stored));
            if complete {
                return Ok(loaded);
            }
        }
    }
}

async fn restore(id: SessionId, snapshot: Snapshot) -> Result<Session, String> {
    let Snapshot { state, position, .. } = snapshot;
    let large = state.len() >= LARGE_STATE_BYTES;
    let restored = done(beside(large, move || Session::restore(id, &state)).await)?;
    if restored.position() == position {
        Ok(restored)
    } else {
        Err("snapshot stands elsewhere than its row says".to_owned())
    }
}

async fn apply(
    id: SessionId,
    session: Option<Session>,
    events: Vec<JournalEvent>,
    bytes: usize,
) -> Result<(Option<Session>, Vec<Candidate>), JournalError> {
    let fold = move || {
        let (mut session, mut saves) = (session, Vec::new());
        for event in &events {
            match &mut session {
                Some(session) => session.apply(event)?,
                None => session = Session::replay(id, None, std::slice::from_ref(event))?,
            }
            saves.extend(session.as_ref().and_then(|session| save(session, event)));
        }
        Ok((session, saves))
    };
    done(beside(bytes >= LARGE_STATE_BYTES, fold).await).map_err(JournalError::Corrupt)
}

/// What is to be stored of an event, just folded, by which the GM saved.
fn save(session: &Session, event: &JournalEvent) -> Option<Candidate> {
    let (version, metadata) = session.last_save()?;
    let saved = (metadata.to_owned(), event.actor?);
    let (position, at) = (session.position(), event.at);
    let candidate = || Candidate { session: session.clone(), position, at, saved: Some(saved) };
    (version == event.version).then(candidate)
}

/// A panic is as good as unreadable data.
fn done<T>(outcome: Result<Result<T, Corrupt>, Panicked>) -> Result<T, String> {
    match outcome {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(Panicked) => Err("reading it panicked".to_owned()),
    }
}
