//! The journal in this process's memory: for the simulation, where a run of one seed must be the
//! same run each time. The same semantics as the databases', by the same contract suite; nothing
//! survives the process, so it is not in a release.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::content::{is_json, is_storable};
use super::verdict::{judge, refuse_malformed};
use super::{
    AppendError, Appended, FoundAction, HubCursor, Journal, JournalError, JournalEvent, ListQuery,
    ListedSession, Part, PartRefusal, RelayRow, SessionHead, ShardRow, Snapshot, StoredEvent,
};
use crate::clock::Clock;
use crate::ids::{
    ActionId, Epoch, Incarnation, NodeId, Position, SessionId, Shard, ShardCount, Version,
};
use crate::time::Timestamp;

/// Snapshots of cadence kept below the newest.
const KEPT_BELOW: usize = 2;

/// The journal in memory.
pub struct MemoryJournal {
    shards: ShardCount,
    clock: Clock,
    tables: Mutex<Tables>,
}

#[derive(Default)]
struct Tables {
    shards: BTreeMap<Shard, ShardRow>,
    events: BTreeMap<SessionId, Vec<JournalEvent>>,
    /// Row number, session and version of every event of a shard.
    rows: BTreeMap<Shard, Vec<(i64, SessionId, Version)>>,
    last_row: i64,
    heads: BTreeMap<SessionId, (SessionHead, Version)>,
    snapshots: BTreeMap<SessionId, Vec<Snapshot>>,
    activations: BTreeMap<SessionId, u32>,
    cursors: BTreeMap<Shard, i64>,
    /// Calls of [`Journal::relay`]: each begins at another shard.
    relays: usize,
}

impl MemoryJournal {
    /// An empty journal of so many shards.
    pub fn new(shards: ShardCount, clock: Clock) -> Self {
        let row = |shard| (shard, ShardRow { shard, epoch: Epoch(0), owner: None });
        let tables = Tables { shards: shards.all().map(row).collect(), ..Tables::default() };
        Self { shards, clock, tables: Mutex::new(tables) }
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tables {
    fn session(&self, session: SessionId) -> &[JournalEvent] {
        self.events.get(&session).map_or(&[], Vec::as_slice)
    }

    fn epoch(&self, shard: Shard) -> Option<Epoch> {
        self.shards.get(&shard).map(|row| row.epoch)
    }

    fn holds(&self, session: SessionId, position: Position) -> bool {
        let mut events = self.session(session).iter();
        events.any(|event| event.version == position.version && event.id == position.event)
    }

    fn verdict(&self, part: &Part) -> Option<PartRefusal> {
        if self.epoch(part.shard) != Some(part.epoch) {
            return Some(PartRefusal::Fenced);
        }
        let events = self.session(part.session);
        let stored: BTreeSet<ActionId> =
            events.iter().filter_map(|event| event.action.map(|(action, _)| action)).collect();
        let mut actions = part.events.iter().filter_map(|event| event.action);
        if actions.any(|(action, _)| stored.contains(&action)) {
            return Some(PartRefusal::Duplicate);
        }
        if events.last().map_or(Version::ZERO, |event| event.version) != part.after {
            return Some(PartRefusal::Diverged);
        }
        (!is_storable(part)).then_some(PartRefusal::Poison)
    }

    fn insert(&mut self, part: &Part) {
        for event in &part.events {
            self.last_row += 1;
            let row = (self.last_row, part.session, event.version);
            self.rows.entry(part.shard).or_default().push(row);
            self.events.entry(part.session).or_default().push(stored(event, part.epoch));
        }
        if let (Some(head), Some(last)) = (&part.head, part.events.last()) {
            self.heads.insert(part.session, (head.clone(), last.version));
        }
    }

    /// Drops all but two snapshots of cadence of this history below a version.
    fn prune(&mut self, session: SessionId, below: Version) {
        let snapshots = self.snapshots.get(&session).map_or(&[][..], Vec::as_slice);
        let cadence =
            |snapshot: &&Snapshot| snapshot.metadata.is_none() && snapshot.position.version < below;
        let ours = snapshots.iter().filter(cadence);
        let mut versions: Vec<Version> = ours
            .filter(|snapshot| self.holds(session, snapshot.position))
            .map(|snapshot| snapshot.position.version)
            .collect();
        versions.sort_unstable();
        let kept = versions.len().saturating_sub(KEPT_BELOW);
        if let (Some(oldest), Some(snapshots)) =
            (versions.get(kept).copied(), self.snapshots.get_mut(&session))
        {
            snapshots.retain(|one| one.metadata.is_some() || one.position.version >= oldest);
        }
    }
}

fn stored(event: &StoredEvent, epoch: Epoch) -> JournalEvent {
    JournalEvent {
        version: event.version,
        id: event.id,
        epoch,
        action: event.action,
        actor: event.actor,
        event_type: event.event_type.to_owned(),
        data: event.data.clone(),
        audience: event.audience.clone(),
        at: event.at,
    }
}

fn check_json(text: &str) -> Result<(), JournalError> {
    if is_json(text) {
        return Ok(());
    }
    Err(JournalError::Corrupt("the database does not take this JSON".to_owned()))
}

fn found(events: &[JournalEvent], first: usize) -> Option<FoundAction> {
    let begins = events.get(first)?;
    let (action, body_hash) = begins.action?;
    let next = events[first + 1..].iter().position(|event| event.action.is_some());
    let last = next.map_or(events.len() - 1, |next| first + next);
    let position = Position { version: events[last].version, event: events[last].id };
    Some(FoundAction { action, actor: begins.actor, body_hash, position, at: begins.at })
}

fn lists(query: &ListQuery, session: SessionId, head: &SessionHead) -> bool {
    let for_caller = match query.caller {
        None => !query.mine,
        Some(caller) => head.members.contains(&caller) || (head.open && !query.mine),
    };
    for_caller
        && head.deleted_at.is_none()
        && query.status.as_ref().is_none_or(|status| *status == head.status)
        && query.campaign.is_none_or(|campaign| campaign == head.campaign)
        && query.session_type.as_ref().is_none_or(|kind| *kind == head.session_type)
        && query.before.is_none_or(|before| (head.created_at, session) < before)
}

#[async_trait]
impl Journal for MemoryJournal {
    async fn append(&self, parts: Vec<Part>) -> Result<Vec<Appended>, AppendError> {
        let mut refused = refuse_malformed(&parts);
        let mut tables = self.tables();
        for (part, refused) in parts.iter().zip(&mut refused) {
            if refused.is_none() {
                *refused = tables.verdict(part);
            }
            if refused.is_none() {
                tables.insert(part);
            }
        }
        Ok(judge(parts, &refused))
    }

    async fn settle(&self, parts: Vec<Part>) -> Result<Vec<Appended>, JournalError> {
        let tables = self.tables();
        let mut refused = Vec::with_capacity(parts.len());
        for part in &parts {
            let there = |event: &&StoredEvent| {
                let position = Position { version: event.version, event: event.id };
                tables.holds(part.session, position)
            };
            let found = part.events.iter().filter(there).count();
            if found != 0 && found != part.events.len() {
                let text = format!("{found} events of a part of session {}", part.session);
                return Err(JournalError::Corrupt(text));
            }
            refused.push((found == 0).then_some(PartRefusal::Fenced));
        }
        Ok(judge(parts, &refused))
    }

    async fn raise(
        &self,
        shards: &[(Shard, Epoch)],
        owner: (&NodeId, Incarnation),
    ) -> Result<(Vec<(Shard, Epoch)>, Timestamp), JournalError> {
        let wanted: BTreeMap<Shard, Epoch> = shards.iter().copied().collect();
        let mut tables = self.tables();
        let mut raised = Vec::with_capacity(wanted.len());
        for (shard, epoch) in wanted {
            if let Some(row) = tables.shards.get_mut(&shard).filter(|row| row.epoch == epoch) {
                row.epoch = Epoch(epoch.0 + 1);
                row.owner = Some((owner.0.clone(), owner.1));
                raised.push((shard, row.epoch));
            }
        }
        Ok((raised, self.clock.uncorrected()))
    }

    async fn raise_above(
        &self,
        shard: Shard,
        seen: Epoch,
        owner: (&NodeId, Incarnation),
    ) -> Result<Epoch, JournalError> {
        let mut tables = self.tables();
        let row = tables.shards.get_mut(&shard);
        let row = row.ok_or_else(|| JournalError::Corrupt(format!("shard {shard} has no row")))?;
        row.epoch = Epoch(row.epoch.max(seen).0 + 1);
        row.owner = Some((owner.0.clone(), owner.1));
        Ok(row.epoch)
    }

    async fn shards(&self, shards: &[Shard]) -> Result<Vec<ShardRow>, JournalError> {
        let wanted: BTreeSet<Shard> = shards.iter().copied().collect();
        let tables = self.tables();
        let rows = tables.shards.values();
        Ok(rows.filter(|row| shards.is_empty() || wanted.contains(&row.shard)).cloned().collect())
    }

    async fn events(
        &self,
        session: SessionId,
        after: Version,
        limit: usize,
    ) -> Result<Vec<JournalEvent>, JournalError> {
        let tables = self.tables();
        let events = tables.session(session).iter().filter(|event| event.version > after);
        Ok(events.take(limit).cloned().collect())
    }

    async fn heads(
        &self,
        shard: Shard,
        sessions: &[SessionId],
    ) -> Result<Vec<(SessionId, Position)>, JournalError> {
        let tables = self.tables();
        let head = |session: &SessionId| {
            let last = tables.session(*session).last()?;
            Some((*session, Position { version: last.version, event: last.id }))
        };
        let of_shard = |session: &&SessionId| self.shards.shard_of(**session) == shard;
        Ok(sessions.iter().filter(of_shard).filter_map(head).collect())
    }

    async fn snapshot(
        &self,
        session: SessionId,
        at_most: Option<Version>,
    ) -> Result<Option<Snapshot>, JournalError> {
        let tables = self.tables();
        let Some(snapshots) = tables.snapshots.get(&session) else { return Ok(None) };
        let fits = |snapshot: &&Snapshot| {
            at_most.is_none_or(|at_most| snapshot.position.version <= at_most)
                && tables.holds(session, snapshot.position)
        };
        Ok(snapshots.iter().filter(fits).max_by_key(|one| one.position.version).cloned())
    }

    async fn save_snapshot(
        &self,
        shard: Shard,
        epoch: Epoch,
        session: SessionId,
        snapshot: Snapshot,
    ) -> Result<bool, JournalError> {
        check_json(&snapshot.state)?;
        snapshot.metadata.as_deref().map_or(Ok(()), check_json)?;
        let mut tables = self.tables();
        if tables.epoch(shard) != Some(epoch) {
            return Ok(false);
        }
        let version = snapshot.position.version;
        let snapshots = tables.snapshots.entry(session).or_default();
        match snapshots.iter_mut().find(|one| one.position == snapshot.position) {
            None => snapshots.push(snapshot),
            Some(there) => {
                there.metadata = snapshot.metadata.or(there.metadata.take());
                there.saved_by = snapshot.saved_by.or(there.saved_by);
            }
        }
        tables.prune(session, version);
        Ok(true)
    }

    async fn saved_states(
        &self,
        session: SessionId,
        before: Option<Version>,
        limit: usize,
    ) -> Result<Vec<Snapshot>, JournalError> {
        let tables = self.tables();
        let snapshots = tables.snapshots.get(&session).map_or(&[][..], Vec::as_slice);
        let fits = |one: &&Snapshot| {
            one.metadata.is_some()
                && before.is_none_or(|before| one.position.version < before)
                && tables.holds(session, one.position)
        };
        let mut saved: Vec<Snapshot> = snapshots.iter().filter(fits).cloned().collect();
        saved.sort_by_key(|one| std::cmp::Reverse(one.position.version));
        saved.truncate(limit);
        Ok(saved)
    }

    async fn find_actions(
        &self,
        session: SessionId,
        actions: &[ActionId],
    ) -> Result<Vec<FoundAction>, JournalError> {
        let tables = self.tables();
        let events = tables.session(session);
        let asked = |index: &usize| {
            events[*index].action.is_some_and(|(action, _)| actions.contains(&action))
        };
        Ok((0..events.len()).filter(asked).filter_map(|first| found(events, first)).collect())
    }

    async fn begin_activation(&self, session: SessionId) -> Result<u32, JournalError> {
        let mut tables = self.tables();
        let tries = tables.activations.entry(session).or_default();
        *tries += 1;
        Ok(*tries)
    }

    async fn end_activation(&self, session: SessionId) -> Result<(), JournalError> {
        self.tables().activations.remove(&session);
        Ok(())
    }

    async fn list(&self, query: &ListQuery) -> Result<Vec<ListedSession>, JournalError> {
        let tables = self.tables();
        let fits = tables.heads.iter().filter(|(session, (head, _))| lists(query, **session, head));
        let mut listed: Vec<ListedSession> = fits
            .map(|(session, (head, version))| ListedSession {
                session: *session,
                head: head.clone(),
                version: *version,
            })
            .collect();
        listed.sort_by_key(|one| std::cmp::Reverse((one.head.created_at, one.session)));
        listed.truncate(usize::try_from(query.limit).unwrap_or(usize::MAX));
        Ok(listed)
    }

    async fn relay(
        &self,
        cursors: &[HubCursor],
        limit: usize,
    ) -> Result<Vec<(Shard, RelayRow)>, JournalError> {
        let mut tables = self.tables();
        let mut cursors = cursors.to_vec();
        if !cursors.is_empty() {
            let first = tables.relays % cursors.len();
            cursors.rotate_left(first);
        }
        tables.relays += 1;
        let mut events = Vec::new();
        for HubCursor { shard, row } in cursors {
            let rows = tables.rows.get(&shard).map_or(&[][..], Vec::as_slice);
            let room = limit.saturating_sub(events.len());
            let after = rows.iter().filter(|(number, ..)| *number > row).take(room);
            for (row, session, version) in after {
                let mut stored = tables.session(*session).iter();
                let event = stored.find(|event| event.version == *version).cloned();
                let relayed = |event| RelayRow { row: *row, session: *session, event };
                events.extend(event.map(|event| (shard, relayed(event))));
            }
        }
        events.sort_by_key(|(shard, relayed)| (*shard, relayed.row));
        Ok(events)
    }

    async fn cursors(&self, shards: &[Shard]) -> Result<Vec<HubCursor>, JournalError> {
        let tables = self.tables();
        let row = |shard: &Shard| tables.cursors.get(shard).copied().unwrap_or_default();
        Ok(shards.iter().map(|shard| HubCursor { shard: *shard, row: row(shard) }).collect())
    }

    async fn move_cursors(
        &self,
        cursors: &[(HubCursor, Epoch)],
    ) -> Result<BTreeSet<Shard>, JournalError> {
        let mut tables = self.tables();
        let mut held = BTreeSet::new();
        for (cursor, epoch) in cursors {
            if tables.epoch(cursor.shard) == Some(*epoch) {
                let row = tables.cursors.entry(cursor.shard).or_default();
                *row = (*row).max(cursor.row);
                held.insert(cursor.shard);
            }
        }
        Ok(held)
    }

    async fn audit(
        &self,
        _at: Timestamp,
        _actor: &str,
        _act: &str,
        details: &str,
    ) -> Result<(), JournalError> {
        check_json(details)
    }

    async fn clock(&self) -> Result<Timestamp, JournalError> {
        Ok(self.clock.uncorrected())
    }
}

#[cfg(test)]
mod tests {
    use crate::ports::journal::contract::{SHARDS, contract_tests};

    use super::*;

    struct Fresh {
        journal: Box<dyn Journal>,
    }

    #[expect(clippy::unused_async, reason = "the suite opens databases")]
    async fn fresh() -> Fresh {
        Fresh { journal: Box::new(MemoryJournal::new(SHARDS, Clock::system())) }
    }

    contract_tests!(fresh);
}
