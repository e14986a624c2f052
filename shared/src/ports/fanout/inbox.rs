//! Payloads received and not yet taken.
//!
//! Whoever delivers never waits: over a bound the oldest payload is dropped and counted, and its
//! stream heals the gap.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::Notify;

use crate::ids::Shard;
use crate::limits;

/// Bounded queue between a subscription's driver and [`Fanout::next`](super::Fanout::next).
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    state: Mutex<State>,
    arrived: Notify,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<(Shard, Bytes)>,
    bytes: usize,
    lost: u64,
    closed: bool,
}

impl Inbox {
    /// Adds a payload; drops the oldest ones where there is no room.
    pub(crate) fn push(&self, shard: Shard, payload: Bytes) {
        let mut state = self.state();
        if state.closed {
            return;
        }
        state.bytes += payload.len();
        state.waiting.push_back((shard, payload));
        while state.waiting.len() > limits::FANOUT_INBOX || state.bytes > limits::FANOUT_INBOX_BYTES
        {
            let Some((_, dropped)) = state.waiting.pop_front() else { break };
            state.bytes -= dropped.len();
            state.lost += 1;
        }
        drop(state);
        self.arrived.notify_one();
    }

    /// The oldest payload, waited for. None: closed and empty.
    pub(crate) async fn next(&self) -> Option<(Shard, Bytes)> {
        loop {
            {
                let mut state = self.state();
                if let Some((shard, payload)) = state.waiting.pop_front() {
                    state.bytes -= payload.len();
                    return Some((shard, payload));
                }
                if state.closed {
                    return None;
                }
            }
            self.arrived.notified().await;
        }
    }

    /// Ends [`next`](Self::next) once it has given out what is here.
    pub(crate) fn close(&self) {
        self.state().closed = true;
        self.arrived.notify_one();
    }

    /// Payloads dropped so far.
    pub(crate) fn lost(&self) -> u64 {
        self.state().lost
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_oldest_goes_when_it_is_full() {
        let inbox = Inbox::default();
        for n in 0..limits::FANOUT_INBOX + 3 {
            inbox.push(Shard(1), Bytes::from(n.to_string()));
        }
        assert_eq!(inbox.lost(), 3);
        assert_eq!(inbox.next().await, Some((Shard(1), Bytes::from("3"))));
    }

    #[tokio::test]
    async fn bytes_are_bounded_too() {
        let inbox = Inbox::default();
        let half = Bytes::from(vec![0; limits::FANOUT_INBOX_BYTES / 2]);
        inbox.push(Shard(1), half.clone());
        inbox.push(Shard(2), half.clone());
        inbox.push(Shard(3), half);
        assert_eq!(inbox.lost(), 1);
        assert_eq!(inbox.next().await.map(|(shard, _)| shard), Some(Shard(2)));
    }

    #[tokio::test]
    async fn what_is_here_is_given_out_before_the_end() {
        let inbox = Inbox::default();
        inbox.push(Shard(1), Bytes::from("last"));
        inbox.close();
        inbox.push(Shard(1), Bytes::from("too late"));
        assert_eq!(inbox.next().await, Some((Shard(1), Bytes::from("last"))));
        assert_eq!(inbox.next().await, None);
    }
}
