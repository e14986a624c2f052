//! One connection to one server, subscribed to the channels that are wanted there.
//!
//! The crate takes an unsubscription that the server makes by itself (a slot has moved) for the
//! answer to a command of ours, and from then on answers and commands no longer fit. So such a
//! connection is given up at once, as is one that breaks or does not answer.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use redis::aio::{MultiplexedConnection, SendError};
use redis::cluster::NodeAddress;
use redis::{AsyncConnectionConfig, Client, Pipeline, PushInfo, PushKind, RedisResult, Value};
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};
use tokio_util::task::AbortOnDropHandle;

use super::subscriber::Subscriptions;
use crate::ids::Shard;
use crate::redis::keys::Keys;
use crate::redis::{CONNECT, Redis, UNHEARD};

/// Between attempts to connect, and between tries to subscribe what the server refused.
const RETRY: Duration = Duration::from_millis(30);
/// Between signs of life that an idle connection is asked for.
const PING: Duration = Duration::from_millis(500);
/// Subscriptions in one pipeline.
const AT_ONCE: usize = 256;

/// Listens at one server until dropped.
#[derive(Debug)]
pub(super) struct Listener {
    orders: watch::Sender<Orders>,
    _task: AbortOnDropHandle<()>,
}

#[derive(Debug, Default)]
struct Orders {
    shards: BTreeSet<Shard>,
    renew: BTreeSet<Shard>,
}

impl Listener {
    pub(super) fn start(
        redis: &Redis,
        address: &NodeAddress,
        subscriptions: Arc<Subscriptions>,
    ) -> Option<Self> {
        let client = redis.node(address).ok()?.client().clone();
        let orders = watch::Sender::<Orders>::default();
        let ordered = orders.subscribe();
        let task = tokio::spawn(run(redis.clone(), client, ordered, orders.clone(), subscriptions));
        Some(Self { orders, _task: AbortOnDropHandle::new(task) })
    }

    /// Listens to these shards; subscribes those of `renew` anew.
    pub(super) fn listen_to(&self, shards: BTreeSet<Shard>, renew: &BTreeSet<Shard>) {
        self.orders.send_if_modified(|orders| {
            let renew: Vec<_> = renew.intersection(&shards).copied().collect();
            let changed = orders.shards != shards || !renew.is_empty();
            orders.shards = shards;
            orders.renew.extend(renew);
            changed
        });
    }
}

/// What the driver of one connection tells.
#[derive(Debug)]
struct Ear {
    keys: Keys,
    subscriptions: Arc<Subscriptions>,
    leaving: Mutex<BTreeSet<Shard>>,
    broken: AtomicBool,
    stir: Notify,
}

impl Ear {
    /// Called by the driver: must not wait.
    fn hear(&self, push: PushInfo) {
        match push.kind {
            PushKind::SMessage => self.take(push.data),
            PushKind::SUnsubscribe => {
                let shard = match push.data.first() {
                    Some(Value::BulkString(channel)) => self.keys.shard_of_channel(channel),
                    _ => None,
                };
                if !shard.is_some_and(|shard| self.leaving().remove(&shard)) {
                    self.give_up();
                }
            }
            PushKind::Disconnection => self.give_up(),
            _ => {}
        }
    }

    fn take(&self, data: Vec<Value>) {
        let Ok([Value::BulkString(channel), Value::BulkString(payload)]) =
            <[Value; 2]>::try_from(data)
        else {
            return;
        };
        if let Some(shard) = self.keys.shard_of_channel(&channel) {
            self.subscriptions.inbox.push(shard, Bytes::from(payload));
        }
    }

    fn give_up(&self) {
        self.broken.store(true, Ordering::Relaxed);
        self.stir.notify_one();
    }

    fn leaving(&self) -> MutexGuard<'_, BTreeSet<Shard>> {
        self.leaving.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn run(
    redis: Redis,
    client: Client,
    mut ordered: watch::Receiver<Orders>,
    orders: watch::Sender<Orders>,
    subscriptions: Arc<Subscriptions>,
) {
    loop {
        let ear = Arc::new(Ear {
            keys: redis.keys().clone(),
            subscriptions: subscriptions.clone(),
            leaving: Mutex::default(),
            broken: AtomicBool::new(false),
            stir: Notify::new(),
        });
        let pushed = ear.clone();
        let options = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(Some(UNHEARD))
            .set_push_sender(move |push| {
                pushed.hear(push);
                Ok::<(), SendError>(())
            });
        if let Ok(connection) = client.get_multiplexed_async_connection_with_config(&options).await
        {
            let mut ears = Subscribed { connection, ear, shards: BTreeSet::new() };
            ears.serve(&redis, &mut ordered, &orders).await;
        }
        redis.wake();
        sleep(RETRY).await;
    }
}

/// A live connection and what it is subscribed to.
struct Subscribed {
    connection: MultiplexedConnection,
    ear: Arc<Ear>,
    shards: BTreeSet<Shard>,
}

impl Subscribed {
    /// Follows the orders until the connection is no good any more.
    async fn serve(
        &mut self,
        redis: &Redis,
        ordered: &mut watch::Receiver<Orders>,
        orders: &watch::Sender<Orders>,
    ) {
        while !self.ear.broken.load(Ordering::Relaxed) {
            let mut wanted = BTreeSet::new();
            orders.send_if_modified(|orders| {
                wanted = orders.shards.clone();
                self.shards.retain(|shard| !orders.renew.contains(shard));
                orders.renew.clear();
                false
            });
            ordered.mark_unchanged();
            let join: Vec<_> = wanted.difference(&self.shards).copied().collect();
            let leave: Vec<_> = self.shards.difference(&wanted).copied().collect();
            let idle = join.is_empty() && leave.is_empty();
            let answered = if idle {
                redis::cmd("PING").exec_async(&mut self.connection).await
            } else {
                self.change(&join, &leave).await
            };
            if answered.is_err() {
                return;
            }
            let missing = wanted.iter().any(|shard| !self.shards.contains(shard));
            if missing {
                redis.wake();
            }
            let pause = if missing { RETRY } else { PING };
            tokio::select! {
                changed = ordered.changed() => if changed.is_err() { return },
                () = self.ear.stir.notified() => {}
                () = sleep(pause) => {}
            }
        }
    }

    /// Subscribes and unsubscribes in pipelines. What the server refuses (the slot is not its) stays
    /// missing.
    ///
    /// # Errors
    /// The connection does not answer.
    async fn change(&mut self, join: &[Shard], leave: &[Shard]) -> RedisResult<()> {
        for shards in join.chunks(AT_ONCE) {
            let answers = self.send("SSUBSCRIBE", shards).await?;
            let taken = shards.iter().zip(&answers).filter(|(_, answer)| answer.is_ok());
            self.shards.extend(taken.map(|(shard, _)| *shard));
        }
        for shards in leave.chunks(AT_ONCE) {
            self.ear.leaving().extend(shards);
            self.send("SUNSUBSCRIBE", shards).await?;
            for shard in shards {
                self.shards.remove(shard);
            }
        }
        Ok(())
    }

    async fn send(
        &mut self,
        command: &str,
        shards: &[Shard],
    ) -> RedisResult<Vec<RedisResult<Value>>> {
        let mut pipeline = Pipeline::with_capacity(shards.len());
        pipeline.ignore_errors();
        for shard in shards {
            pipeline.cmd(command).arg(self.ear.keys.channel(*shard));
        }
        let answers = pipeline.query_async(&mut self.connection);
        timeout(UNHEARD, answers).await.unwrap_or_else(|late| Err(late_error(late)))
    }
}

fn late_error(late: tokio::time::error::Elapsed) -> redis::RedisError {
    std::io::Error::new(std::io::ErrorKind::TimedOut, late).into()
}
