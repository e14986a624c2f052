//! An append's parts turned into columns: one array per parameter, borrowed from the parts.

use std::ops::Range;

use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::lane::Script;
use super::row::to_db;
use super::time::Utc;
use crate::ports::journal::{Part, PartRefusal};

/// The parameters of `append.sql` and `append_heads.sql`, in their order.
#[derive(Default)]
pub(super) struct Columns<'a> {
    part: Vec<i32>,
    shard: Vec<i32>,
    epoch: Vec<i64>,
    session: Vec<Uuid>,
    after: Vec<i64>,
    shards: Vec<i32>,
    events: Events<'a>,
    heads: Heads<'a>,
}

#[derive(Default)]
struct Events<'a> {
    part: Vec<i32>,
    version: Vec<i64>,
    id: Vec<Uuid>,
    action: Vec<Option<Uuid>>,
    hash: Vec<Option<&'a [u8]>>,
    actor: Vec<Option<Uuid>>,
    kind: Vec<&'a str>,
    data: Vec<&'a str>,
    audience: Vec<&'a str>,
    at: Vec<Utc>,
}

#[derive(Default)]
struct Heads<'a> {
    part: Vec<i32>,
    campaign: Vec<Uuid>,
    name: Vec<&'a str>,
    status: Vec<&'a str>,
    kind: Vec<&'a str>,
    gm: Vec<Uuid>,
    members: Vec<String>,
    open: Vec<bool>,
    metadata: Vec<&'a str>,
    created_at: Vec<Utc>,
    updated_at: Vec<Utc>,
    deleted_at: Vec<Option<Utc>>,
    version: Vec<i64>,
}

/// Number of a part in its statement.
fn part_no(index: usize) -> i32 {
    i32::try_from(index).expect("an append has at most APPEND_EVENTS parts")
}

impl<'a> Columns<'a> {
    /// The parts of the range that are not refused already, each by its index.
    pub(super) fn of(
        parts: &'a [Part],
        range: Range<usize>,
        refused: &[Option<PartRefusal>],
    ) -> Self {
        let mut columns = Self::default();
        for index in range.filter(|index| refused[*index].is_none()) {
            columns.push(part_no(index), &parts[index]);
        }
        columns.shards = columns.shard.clone();
        columns.shards.sort_unstable();
        columns.shards.dedup();
        columns
    }

    /// Whether there is nothing to append.
    pub(super) fn is_empty(&self) -> bool {
        self.part.is_empty()
    }

    fn push(&mut self, number: i32, part: &'a Part) {
        self.part.push(number);
        self.shard.push(part.shard.0.into());
        self.epoch.push(to_db(part.epoch.0));
        self.session.push(part.session.0);
        self.after.push(to_db(part.after.0));
        for event in &part.events {
            self.events.part.push(number);
            self.events.version.push(to_db(event.version.0));
            self.events.id.push(event.id.0);
            self.events.action.push(event.action.as_ref().map(|(action, _)| action.0));
            self.events.hash.push(event.action.as_ref().map(|(_, hash)| hash.as_slice()));
            self.events.actor.push(event.actor.map(|actor| actor.0));
            self.events.kind.push(event.event_type);
            self.events.data.push(&event.data);
            self.events.audience.push(&event.audience);
            self.events.at.push(Utc(event.at));
        }
        self.push_head(number, part);
    }

    fn push_head(&mut self, number: i32, part: &'a Part) {
        let (Some(head), Some(last)) = (&part.head, part.events.last()) else { return };
        let members: Vec<String> = head.members.iter().map(ToString::to_string).collect();
        self.heads.part.push(number);
        self.heads.campaign.push(head.campaign.0);
        self.heads.name.push(&head.name);
        self.heads.status.push(&head.status);
        self.heads.kind.push(&head.session_type);
        self.heads.gm.push(head.gm.0);
        self.heads.members.push(format!("{{{}}}", members.join(",")));
        self.heads.open.push(head.open);
        self.heads.metadata.push(&head.metadata);
        self.heads.created_at.push(Utc(head.created_at));
        self.heads.updated_at.push(Utc(head.updated_at));
        self.heads.deleted_at.push(head.deleted_at.map(Utc));
        self.heads.version.push(to_db(last.version.0));
    }

    /// The statement that takes these columns.
    pub(super) fn script(&self) -> Script {
        if self.heads.part.is_empty() { Script::Append } else { Script::AppendHeads }
    }

    /// In the order of `append.sql`, then of `append_heads.sql` if there are any.
    pub(super) fn parameters(&self) -> Vec<&(dyn ToSql + Sync)> {
        let mut all = self.of_events().to_vec();
        if !self.heads.part.is_empty() {
            all.extend(self.of_heads());
        }
        all
    }

    fn of_events(&self) -> [&(dyn ToSql + Sync); 16] {
        let Events { part, version, id, action, hash, actor, kind, data, audience, at } =
            &self.events;
        [
            &self.part,
            &self.shard,
            &self.epoch,
            &self.session,
            &self.after,
            &self.shards,
            part,
            version,
            id,
            action,
            hash,
            actor,
            kind,
            data,
            audience,
            at,
        ]
    }

    fn of_heads(&self) -> [&(dyn ToSql + Sync); 13] {
        let heads = &self.heads;
        [
            &heads.part,
            &heads.campaign,
            &heads.name,
            &heads.status,
            &heads.kind,
            &heads.gm,
            &heads.members,
            &heads.open,
            &heads.metadata,
            &heads.created_at,
            &heads.updated_at,
            &heads.deleted_at,
            &heads.version,
        ]
    }
}

/// The parameters of `settle.sql`, in its order.
#[derive(Default)]
pub(super) struct Sought {
    part: Vec<i32>,
    shard: Vec<i32>,
    session: Vec<Uuid>,
    version: Vec<i64>,
    id: Vec<Uuid>,
}

impl Sought {
    pub(super) fn of(parts: &[Part]) -> Self {
        let mut sought = Self::default();
        for (index, part) in parts.iter().enumerate() {
            for event in &part.events {
                sought.part.push(part_no(index));
                sought.shard.push(part.shard.0.into());
                sought.session.push(part.session.0);
                sought.version.push(to_db(event.version.0));
                sought.id.push(event.id.0);
            }
        }
        sought
    }

    pub(super) fn parameters(&self) -> [&(dyn ToSql + Sync); 5] {
        [&self.part, &self.shard, &self.session, &self.version, &self.id]
    }
}
