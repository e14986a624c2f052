//! Rows of the journal's tables as values.

use tokio_postgres::Row;
use tokio_postgres::types::FromSql;
use uuid::Uuid;

use super::time::Utc;
use crate::ids::{
    ActionId, CampaignId, Epoch, EventId, Incarnation, NodeId, PlayerId, Position, SessionId,
    Shard, Version,
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

pub(super) fn get<'a, T: FromSql<'a>>(row: &'a Row, column: usize) -> Result<T, JournalError> {
    row.try_get(column).map_err(|error| JournalError::Corrupt(error.to_string()))
}

pub(super) fn number(row: &Row, column: usize) -> Result<u64, JournalError> {
    let number: i64 = get(row, column)?;
    u64::try_from(number).map_err(|_| JournalError::Corrupt(format!("{number} in column {column}")))
}

pub(super) fn shard(row: &Row, column: usize) -> Result<Shard, JournalError> {
    let number: i32 = get(row, column)?;
    let number = u16::try_from(number)
        .map_err(|_| JournalError::Corrupt(format!("there is no shard {number}")))?;
    Ok(Shard(number))
}

pub(super) fn time(row: &Row, column: usize) -> Result<Timestamp, JournalError> {
    get::<Utc>(row, column).map(|utc| utc.0)
}

fn hash(bytes: Option<&[u8]>) -> Result<Option<[u8; 16]>, JournalError> {
    bytes
        .map(|bytes| bytes.try_into())
        .transpose()
        .map_err(|_| JournalError::Corrupt("action_body_hash has not 16 bytes".to_owned()))
}

pub(super) fn position(row: &Row, version: usize, id: usize) -> Result<Position, JournalError> {
    Ok(Position { version: Version(number(row, version)?), event: EventId(get(row, id)?) })
}

/// Columns 0–9 of `events.sql` and `relay.sql`.
pub(super) fn event(row: &Row) -> Result<JournalEvent, JournalError> {
    let Position { version, event: id } = position(row, 0, 1)?;
    let action = get::<Option<Uuid>>(row, 3)?.map(ActionId);
    Ok(JournalEvent {
        version,
        id,
        epoch: Epoch(number(row, 2)?),
        action: action.zip(hash(get(row, 4)?)?),
        actor: get::<Option<Uuid>>(row, 5)?.map(PlayerId),
        event_type: get(row, 6)?,
        data: get(row, 7)?,
        audience: get(row, 8)?,
        at: time(row, 9)?,
    })
}

pub(super) fn relayed(row: &Row) -> Result<(Shard, RelayRow), JournalError> {
    let relayed =
        RelayRow { row: get(row, 11)?, session: SessionId(get(row, 12)?), event: event(row)? };
    Ok((shard(row, 10)?, relayed))
}

pub(super) fn shard_row(row: &Row) -> Result<ShardRow, JournalError> {
    let owner = match (get::<Option<&str>>(row, 2)?, get::<Option<i64>>(row, 3)?) {
        (Some(node), Some(incarnation)) => {
            let node: NodeId = node
                .parse()
                .map_err(|error| JournalError::Corrupt(format!("owner of a shard: {error}")))?;
            Some((node, Incarnation(incarnation.cast_unsigned())))
        }
        _ => None,
    };
    Ok(ShardRow { shard: shard(row, 0)?, epoch: Epoch(number(row, 1)?), owner })
}

pub(super) fn snapshot(row: &Row) -> Result<Snapshot, JournalError> {
    Ok(Snapshot {
        position: position(row, 0, 1)?,
        state: get(row, 2)?,
        at: time(row, 3)?,
        metadata: get(row, 4)?,
        saved_by: get::<Option<Uuid>>(row, 5)?.map(PlayerId),
    })
}

pub(super) fn found_action(row: &Row) -> Result<FoundAction, JournalError> {
    let missing = || JournalError::Corrupt("an action without a body hash".to_owned());
    Ok(FoundAction {
        action: ActionId(get(row, 0)?),
        actor: get::<Option<Uuid>>(row, 1)?.map(PlayerId),
        body_hash: hash(get(row, 2)?)?.ok_or_else(missing)?,
        position: position(row, 3, 4)?,
        at: time(row, 5)?,
    })
}

pub(super) fn listed(row: &Row) -> Result<ListedSession, JournalError> {
    let members: Vec<Uuid> = get(row, 6)?;
    Ok(ListedSession {
        session: SessionId(get(row, 0)?),
        head: SessionHead {
            campaign: CampaignId(get(row, 1)?),
            name: get(row, 2)?,
            status: get(row, 3)?,
            session_type: get(row, 4)?,
            gm: PlayerId(get(row, 5)?),
            members: members.into_iter().map(PlayerId).collect(),
            open: get(row, 7)?,
            metadata: get::<Option<String>>(row, 8)?.unwrap_or_else(|| "{}".to_owned()),
            created_at: time(row, 9)?,
            updated_at: time(row, 10)?,
            deleted_at: get::<Option<Utc>>(row, 11)?.map(|utc| utc.0),
        },
        version: Version(number(row, 12)?),
    })
}
