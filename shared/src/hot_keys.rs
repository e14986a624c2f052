//! Writes the keys in Redis that other services read: a session's state, players, connections,
//! combat and queue (PROTOCOL section 9).
//!
//! Nothing is trusted over the journal, so nothing here is retried: the next write repairs what one
//! lost. A session is written at most once a second, with the latest state; a later epoch's keys are
//! never touched.

mod encode;
mod pending;

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep};
use tokio_util::task::AbortOnDropHandle;

use self::pending::{Pending, Work};
use crate::ids::{ActionId, ConnectionId, Epoch, PlayerId, SessionId, Version};
use crate::redis::{CallError, Lua, Patience, Redis, Request, keys};
use crate::time::Timestamp;

static WRITE: LazyLock<Lua> = LazyLock::new(|| Lua::new(include_str!("redis/lua/hot_write.lua")));
static EXPIRE: LazyLock<Lua> = LazyLock::new(|| Lua::new(include_str!("redis/lua/hot_expire.lua")));

/// Between looks at what is due.
const LOOK: Duration = Duration::from_millis(100);
/// One look's writes get so long.
const WRITE_TIME: Duration = Duration::from_millis(500);
/// Sessions and bytes in one go.
const AT_ONCE: (usize, usize) = (256, 8 << 20);

/// What the hot keys say of a session.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct HotState {
    /// Fields of `:meta`: `name`, `campaign_id`, `status`, `created_at`, `updated_at`.
    pub meta: BTreeMap<String, String>,
    /// Members of `:players`.
    pub players: Vec<PlayerId>,
    /// `:connections`.
    pub connections: BTreeMap<ConnectionId, PlayerId>,
    /// Fields of `:combat`: `round`, `turn`, and `initiative_order`, `active_effects` as JSON. Empty:
    /// no combat.
    pub combat: BTreeMap<String, String>,
    /// `:state`: version, time and the document as JSON.
    pub state: (Version, Timestamp, Arc<str>),
    /// `:queue`: accepted, not yet committed.
    pub queue: Vec<ActionId>,
}

/// Why keys shall live on without being written.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Touch {
    /// Somebody read or commanded: meta and state live 24 h more.
    Access,
    /// A connection sent a heartbeat: connections live 5 min more.
    Heartbeat,
}

/// The writer. Its methods never wait.
#[derive(Debug)]
pub struct HotKeys {
    shared: Arc<Shared>,
    _task: AbortOnDropHandle<()>,
}

#[derive(Debug, Default)]
struct Shared {
    pending: Mutex<Pending>,
    arrived: Notify,
}

impl HotKeys {
    /// A writer to this Redis.
    pub fn new(redis: Redis) -> Self {
        let shared = Arc::<Shared>::default();
        let task = tokio::spawn(run(redis, shared.clone()));
        Self { shared, _task: AbortOnDropHandle::new(task) }
    }

    /// Replaces what is known of a session; only the latest state within a second is written.
    pub fn write(&self, session: SessionId, epoch: Epoch, state: HotState) {
        self.with(|pending| pending.write(session, epoch, state));
    }

    /// Lets keys live on.
    pub fn touch(&self, session: SessionId, epoch: Epoch, touch: Touch) {
        self.with(|pending| pending.touch(session, epoch, touch));
    }

    /// The session has ended: its keys go in 60 s and are not written again.
    pub fn end(&self, session: SessionId, epoch: Epoch) {
        self.with(|pending| pending.end(session, epoch));
    }

    /// States given up because too many were waiting ([`crate::limits::HOT_SESSIONS`],
    /// [`crate::limits::HOT_BYTES`]) or because Redis did not take them.
    pub fn lost(&self) -> u64 {
        self.shared.pending().lost
    }

    fn with(&self, change: impl FnOnce(&mut Pending)) {
        change(&mut self.shared.pending());
        self.shared.arrived.notify_one();
    }
}

impl Shared {
    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn run(redis: Redis, shared: Arc<Shared>) {
    loop {
        let due = shared.pending().take_due(Instant::now(), AT_ONCE);
        if due.is_empty() {
            if shared.pending().is_idle() {
                shared.arrived.notified().await;
            }
            sleep(LOOK).await;
            continue;
        }
        let requests = due.into_iter().flat_map(|(session, work)| requests(&redis, session, work));
        let requests: Vec<_> = requests.collect();
        let deadline = Instant::now() + WRITE_TIME;
        let answers = redis.call_each(&requests, deadline, Patience::Once).await;
        let lost = answers.iter().filter(|answer| answer.is_err()).count();
        let refused = answers.into_iter().find_map(|answer| match answer {
            Err(CallError::Refused(error)) => Some(error),
            _ => None,
        });
        if let Some(error) = refused {
            tracing::warn!(%error, lost, "redis refuses hot keys");
        }
        shared.pending().lost += u64::try_from(lost).unwrap_or(u64::MAX);
    }
}

fn requests(redis: &Redis, session: SessionId, work: Work) -> Vec<Request> {
    let names = redis.keys().hot(session);
    let slot = keys::slot(&names[0]);
    let mut requests = Vec::new();
    let epoch = work.epoch;
    if let Some(state) = work.state {
        let arguments = encode::write(epoch, &state);
        requests.push(Request::script(&WRITE, slot, names.to_vec(), arguments));
    }
    if work.ended || !work.touches.is_empty() {
        let arguments = encode::expire(epoch, work.ended, &work.touches);
        requests.push(Request::script(&EXPIRE, slot, names.to_vec(), arguments));
    }
    requests
}

#[cfg(test)]
mod tests;
