//! Appending parts in one transaction that holds the database's write lock from its beginning.

use sqlx::{Connection as _, SqliteConnection};

use super::row::{get, to_db};
use crate::ids::Version;
use crate::ports::journal::content::is_storable;
use crate::ports::journal::verdict::{judge, refuse_malformed};
use crate::ports::journal::{
    AppendError, Appended, BoxError, JournalError, Part, PartRefusal, SessionHead, StoredEvent,
};

macro_rules! sql {
    ($name:literal) => {
        include_str!(concat!("../sql/sqlite/", $name, ".sql"))
    };
}

/// Takes the write lock at once: what was read under it cannot have changed at the commit.
pub(super) const BEGIN: &str = "BEGIN IMMEDIATE";

pub(super) async fn append(
    connection: &mut SqliteConnection,
    parts: Vec<Part>,
) -> Result<Vec<Appended>, AppendError> {
    let mut refused = refuse_malformed(&parts);
    let mut transaction = match connection.begin_with(BEGIN).await {
        Ok(transaction) => transaction,
        Err(error) => return Err(AppendError::Unavailable(parts, error.into())),
    };
    for (part, refused) in parts.iter().zip(&mut refused) {
        if refused.is_some() {
            continue;
        }
        match append_part(&mut transaction, part).await {
            Ok(verdict) => *refused = verdict,
            Err(error) => {
                // Dropping the transaction rolls it back.
                drop(transaction);
                return Err(AppendError::Unavailable(parts, error));
            }
        }
    }
    match transaction.commit().await {
        Ok(()) => Ok(judge(parts, &refused)),
        Err(error) => Err(AppendError::Unknown(parts, error.into())),
    }
}

/// What became of parts: whether their events are there.
pub(super) async fn settle(
    connection: &mut SqliteConnection,
    parts: Vec<Part>,
) -> Result<Vec<Appended>, JournalError> {
    let mut refused = Vec::with_capacity(parts.len());
    for part in &parts {
        let mut found = 0;
        for event in &part.events {
            let row = sqlx::query(sql!("event_present"))
                .bind(part.shard.0)
                .bind(part.session.to_string())
                .bind(to_db(event.version.0))
                .bind(event.id.to_string())
                .fetch_one(&mut *connection)
                .await
                .map_err(|error| JournalError::Unavailable(error.into()))?;
            found += usize::from(get::<bool>(&row, 0)?);
        }
        if found != 0 && found != part.events.len() {
            let text = format!("{found} events of a part of session {}", part.session);
            return Err(JournalError::Corrupt(text));
        }
        refused.push((found == 0).then_some(PartRefusal::Fenced));
    }
    Ok(judge(parts, &refused))
}

async fn append_part(
    connection: &mut SqliteConnection,
    part: &Part,
) -> Result<Option<PartRefusal>, BoxError> {
    if let Some(refusal) = verdict(connection, part).await? {
        return Ok(Some(refusal));
    }
    if !is_storable(part) {
        tracing::warn!(session = %part.session, "the database refuses the content of events");
        return Ok(Some(PartRefusal::Poison));
    }
    for event in &part.events {
        insert_event(connection, part, event).await?;
    }
    if let (Some(head), Some(last)) = (&part.head, part.events.last()) {
        upsert_head(connection, part, head, last.version).await?;
    }
    Ok(None)
}

async fn verdict(
    connection: &mut SqliteConnection,
    part: &Part,
) -> Result<Option<PartRefusal>, BoxError> {
    let (shard, session) = (part.shard.0, part.session.to_string());
    let epoch: Option<i64> =
        sqlx::query_scalar(sql!("epoch")).bind(shard).fetch_optional(&mut *connection).await?;
    if epoch != Some(to_db(part.epoch.0)) {
        return Ok(Some(PartRefusal::Fenced));
    }
    for (action, _) in part.events.iter().filter_map(|event| event.action.as_ref()) {
        let seen: bool = sqlx::query_scalar(sql!("action_seen"))
            .bind(shard)
            .bind(&session)
            .bind(action.to_string())
            .fetch_one(&mut *connection)
            .await?;
        if seen {
            return Ok(Some(PartRefusal::Duplicate));
        }
    }
    let last: Option<i64> = sqlx::query_scalar(sql!("last_version"))
        .bind(shard)
        .bind(&session)
        .fetch_one(&mut *connection)
        .await?;
    let diverged = last.unwrap_or(0) != to_db(part.after.0);
    Ok(diverged.then_some(PartRefusal::Diverged))
}

async fn insert_event(
    connection: &mut SqliteConnection,
    part: &Part,
    event: &StoredEvent,
) -> Result<(), sqlx::Error> {
    sqlx::query(sql!("insert_event"))
        .bind(event.id.to_string())
        .bind(part.session.to_string())
        .bind(event.event_type)
        .bind(&event.data)
        .bind(event.at.0)
        .bind(part.shard.0)
        .bind(to_db(event.version.0))
        .bind(to_db(part.epoch.0))
        .bind(event.action.as_ref().map(|(action, _)| action.to_string()))
        .bind(event.action.as_ref().map(|(_, hash)| hash.as_slice()))
        .bind(event.actor.map(|actor| actor.to_string()))
        .bind(&event.audience)
        .execute(connection)
        .await
        .map(drop)
}

async fn upsert_head(
    connection: &mut SqliteConnection,
    part: &Part,
    head: &SessionHead,
    version: Version,
) -> Result<(), BoxError> {
    sqlx::query(sql!("upsert_head"))
        .bind(part.session.to_string())
        .bind(head.campaign.to_string())
        .bind(&head.name)
        .bind(&head.status)
        .bind(&head.metadata)
        .bind(head.created_at.0)
        .bind(head.updated_at.0)
        .bind(head.deleted_at.map(|at| at.0))
        .bind(part.shard.0)
        .bind(to_db(version.0))
        .bind(&head.session_type)
        .bind(head.gm.to_string())
        .bind(serde_json::to_string(&head.members)?)
        .bind(head.open)
        .execute(connection)
        .await?;
    Ok(())
}
