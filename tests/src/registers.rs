//! Registers under contention: members of a session's document that all its clients write, compare
//! and set and read at once, each client in a closed loop, and when each asked and was answered.
//!
//! What comes of it is for [`crate::history::linear`]: no value is written twice, every operation is
//! noted before it is asked, and a read that may be old by its own word tells nothing. Clients sit at
//! all routers; they read over REST and over their sockets, and command over their sockets. Some
//! commands go over REST from callers that do not wait for the answer: those nobody knows the outcome
//! of, and they may still be under way when their successors are answered.
//!
//! At half of the sessions the clients of one router only read: an owner that others have replaced,
//! and that hears of it by its next append at the latest, gets none from there.

mod contender;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Result;
use gss_client::LoadedState;
use gss_shared::ids::{PlayerId, SessionId};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::contender::Contender;
use crate::cluster::Cluster;
use crate::history::linear::{Op, Operation, Outcome};
use crate::player::Seat;

/// Time between two tries to read a register in the end.
const AGAIN: Duration = Duration::from_millis(100);

/// What to play.
#[derive(Clone, Copy, Debug)]
pub struct Registers {
    /// Sessions.
    pub sessions: usize,
    /// Registers of each.
    pub keys: usize,
    /// Clients of each. The work of the checker grows by powers of two with them.
    pub clients: usize,
}

/// Clients that play until told to stop.
pub struct RunningRegisters {
    /// The GM of each session, and the session.
    readers: Vec<(SessionId, Seat)>,
    keys: Vec<String>,
    stop: CancellationToken,
    clients: JoinSet<()>,
    log: Log,
}

impl Registers {
    /// Sets the sessions up and starts to play.
    ///
    /// # Errors
    /// When a session cannot be created, joined or connected.
    pub async fn start(&self, cluster: &Cluster) -> Result<RunningRegisters> {
        let keys: Vec<String> = (0..self.keys).map(|key| format!("/shared/r{key}")).collect();
        let (log, stop) = (Log::default(), CancellationToken::new());
        let (mut readers, mut clients) = (Vec::new(), JoinSet::new());
        for number in 0..self.sessions {
            let gm = Seat::new(cluster, number)?;
            let settings = json!({"max_players": 100, "limits": {"messages_per_minute": 60_000}});
            let (session, token) = gm.create(&format!("registers {number}"), &settings).await?;
            readers.push((session, gm.clone()));
            let mut seats = vec![(gm, token)];
            for place in 1..self.clients {
                let seat = Seat::new(cluster, number + place)?;
                let token = seat.join(session).await?;
                seats.push((seat, token));
            }
            let mut contenders = Vec::new();
            for (seat, token) in seats {
                let own = Own { session, player: seat.player(), log: log.clone() };
                let contender = Contender::sit(seat, token, own, keys.clone()).await?;
                let reads = number % 4 < 2 && !contenders.len().is_multiple_of(2);
                contenders.push(if reads { contender.only_reads() } else { contender });
            }
            contenders[0].set_up().await?;
            for contender in contenders {
                clients.spawn(contender.play(stop.clone()));
            }
        }
        Ok(RunningRegisters { readers, keys, stop, clients, log })
    }
}

impl RunningRegisters {
    /// The sessions.
    pub fn sessions(&self) -> Vec<SessionId> {
        self.readers.iter().map(|(session, _)| *session).collect()
    }

    /// The sessions and their GMs.
    pub fn tables(&self) -> Vec<(SessionId, Seat)> {
        self.readers.clone()
    }

    /// Lets every client end what it began, reads every register a last time, alone, and returns all
    /// operations. What is not answered at the deadline is of unknown outcome, a register that could
    /// not be read by then has no last read.
    pub async fn finish(mut self, deadline: Instant) -> Vec<Operation> {
        self.stop.cancel();
        let all = async { while self.clients.join_next().await.is_some() {} };
        if tokio::time::timeout_at(deadline, all).await.is_err() {
            tracing::warn!(clients = self.clients.len(), "operations without an answer");
            self.clients.shutdown().await;
        }
        for (session, seat) in &self.readers {
            let own = Own { session: *session, player: seat.player(), log: self.log.clone() };
            for key in &self.keys {
                while !own.read(seat, key).await && Instant::now() < deadline {
                    tokio::time::sleep(AGAIN).await;
                }
            }
        }
        std::mem::take(&mut *self.log.lock())
    }
}

/// All operations of a run, and the next value that nobody has written.
#[derive(Clone, Default)]
struct Log {
    operations: Arc<Mutex<Vec<Operation>>>,
    values: Arc<AtomicU64>,
}

impl Log {
    fn lock(&self) -> MutexGuard<'_, Vec<Operation>> {
        self.operations.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where a client notes its operations.
#[derive(Clone)]
struct Own {
    session: SessionId,
    player: PlayerId,
    log: Log,
}

impl Own {
    /// A value that nobody has written.
    fn value(&self) -> Value {
        json!(self.log.values.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// Notes an operation that is asked from now on.
    fn asked(&self, key: &str, op: Op) -> usize {
        let mut log = self.log.lock();
        log.push(Operation {
            session: self.session,
            key: key.to_owned(),
            process: self.player,
            invoke: Instant::now(),
            returned: None,
            op,
            outcome: Outcome::Unknown,
        });
        log.len() - 1
    }

    /// Notes what became of it.
    fn answered(&self, at: usize, outcome: Outcome) {
        let operation = &mut self.log.lock()[at];
        (operation.returned, operation.outcome) = (Some(Instant::now()), outcome);
    }

    /// Reads over REST; whether it was told anything.
    async fn read(&self, seat: &Seat, key: &str) -> bool {
        let at = self.asked(key, Op::Read);
        let outcome = match seat.api().load_state(self.session.0).await {
            Ok(LoadedState { stale: true, .. }) => Outcome::Refused("stale".to_owned()),
            Ok(loaded) => Outcome::Saw(loaded.state.pointer(key).cloned().unwrap_or_default()),
            Err(error) => Outcome::Refused(error.code().unwrap_or("unreachable").to_owned()),
        };
        let told = matches!(outcome, Outcome::Saw(_));
        self.answered(at, outcome);
        told
    }
}
