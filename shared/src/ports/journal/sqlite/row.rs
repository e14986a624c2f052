//! Rows of the journal's tables as values, and values as SQLite keeps them.

use std::str::FromStr;

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::ids::{
    Epoch, EventId, Incarnation, NodeId, PlayerId, Position, SessionId, Shard, Version,
};
use crate::ports::journal::{
    FoundAction, JournalError, JournalEvent, ListedSession, RelayRow, SessionHead, ShardRow,
    Snapshot,
};
use crate::time::Timestamp;

/// A number as the database keeps it. No journal reaches 2^63, but a client may name any number.
pub(super) fn to_db(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Number of rows as the database takes it.
pub(super) fn limit(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

pub(super) fn get<'r, T>(row: &'r SqliteRow, column: usize) -> Result<T, JournalError>
where
    T: sqlx::Decode<'r, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite>,
{
    row.try_get(column).map_err(|error| JournalError::Corrupt(error.to_string()))
}

pub(super) fn number(row: &SqliteRow, column: usize) -> Result<u64, JournalError> {
    let number: i64 = get(row, column)?;
    u64::try_from(number).map_err(|_| JournalError::Corrupt(format!("{number} in column {column}")))
}

pub(super) fn shard(row: &SqliteRow, column: usize) -> Result<Shard, JournalError> {
    let number: i64 = get(row, column)?;
    let number = u16::try_from(number)
        .map_err(|_| JournalError::Corrupt(format!("there is no shard {number}")))?;
    Ok(Shard(number))
}

pub(super) fn time(row: &SqliteRow, column: usize) -> Result<Timestamp, JournalError> {
    get::<i64>(row, column).map(Timestamp)
}

/// An identifier kept as text.
pub(super) fn id<T: FromStr>(row: &SqliteRow, column: usize) -> Result<T, JournalError>
where
    T::Err: std::fmt::Display,
{
    parse(get(row, column)?)
}

fn id_if_any<T: FromStr>(row: &SqliteRow, column: usize) -> Result<Option<T>, JournalError>
where
    T::Err: std::fmt::Display,
{
    get::<Option<&str>>(row, column)?.map(parse).transpose()
}

fn parse<T: FromStr>(text: &str) -> Result<T, JournalError>
where
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|error: T::Err| JournalError::Corrupt(format!("{text:?}: {error}")))
}

fn hash(bytes: Option<&[u8]>) -> Result<Option<[u8; 16]>, JournalError> {
    bytes
        .map(|bytes| bytes.try_into())
        .transpose()
        .map_err(|_| JournalError::Corrupt("action_body_hash has not 16 bytes".to_owned()))
}

pub(super) fn position(
    row: &SqliteRow,
    version: usize,
    event: usize,
) -> Result<Position, JournalError> {
    let event: EventId = id(row, event)?;
    Ok(Position { version: Version(number(row, version)?), event })
}

/// Columns 0–9 of `events.sql` and `relay.sql`.
pub(super) fn event(row: &SqliteRow) -> Result<JournalEvent, JournalError> {
    let Position { version, event: id } = position(row, 0, 1)?;
    Ok(JournalEvent {
        version,
        id,
        epoch: Epoch(number(row, 2)?),
        action: id_if_any(row, 3)?.zip(hash(get(row, 4)?)?),
        actor: id_if_any(row, 5)?,
        event_type: get(row, 6)?,
        data: get(row, 7)?,
        audience: get(row, 8)?,
        at: time(row, 9)?,
    })
}

pub(super) fn relayed(row: &SqliteRow) -> Result<RelayRow, JournalError> {
    Ok(RelayRow { row: get(row, 10)?, session: id(row, 11)?, event: event(row)? })
}

pub(super) fn shard_row(row: &SqliteRow) -> Result<ShardRow, JournalError> {
    let node: Option<NodeId> = id_if_any(row, 2)?;
    let incarnation: Option<i64> = get(row, 3)?;
    let owner = node.zip(incarnation.map(|number| Incarnation(number.cast_unsigned())));
    Ok(ShardRow { shard: shard(row, 0)?, epoch: Epoch(number(row, 1)?), owner })
}

pub(super) fn snapshot(row: &SqliteRow) -> Result<Snapshot, JournalError> {
    Ok(Snapshot {
        position: position(row, 0, 1)?,
        state: get(row, 2)?,
        at: time(row, 3)?,
        metadata: get(row, 4)?,
        saved_by: id_if_any(row, 5)?,
    })
}

pub(super) fn found_action(row: &SqliteRow) -> Result<FoundAction, JournalError> {
    let missing = || JournalError::Corrupt("an action without a body hash".to_owned());
    Ok(FoundAction {
        action: id(row, 0)?,
        actor: id_if_any(row, 1)?,
        body_hash: hash(get(row, 2)?)?.ok_or_else(missing)?,
        position: position(row, 3, 4)?,
        at: time(row, 5)?,
    })
}

pub(super) fn listed(row: &SqliteRow) -> Result<ListedSession, JournalError> {
    let members: Vec<PlayerId> = serde_json::from_str(get(row, 6)?)
        .map_err(|error| JournalError::Corrupt(format!("members: {error}")))?;
    let session: SessionId = id(row, 0)?;
    Ok(ListedSession {
        session,
        head: SessionHead {
            campaign: id(row, 1)?,
            name: get(row, 2)?,
            status: get(row, 3)?,
            session_type: get(row, 4)?,
            gm: id(row, 5)?,
            members,
            open: get(row, 7)?,
            metadata: get::<Option<String>>(row, 8)?.unwrap_or_else(|| "{}".to_owned()),
            created_at: time(row, 9)?,
            updated_at: time(row, 10)?,
            deleted_at: get::<Option<i64>>(row, 11)?.map(Timestamp),
        },
        version: Version(number(row, 12)?),
    })
}
