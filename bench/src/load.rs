//! One run of load: intended send times, receipts, and what they add up to.
//!
//! Open loop: an update is due at its time whether or not the system keeps up, and its latency
//! counts from then (no coordinated omission).

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use hdrhistogram::Histogram;
use tokio::time::Instant;

/// Incomplete updates that a report names.
const SHOWN: usize = 5;

/// Microseconds, up to a minute, three digits.
fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 60_000_000, 3).expect("constant bounds")
}

/// State of one run, shared by all clients.
pub(crate) struct Load {
    start: Instant,
    /// Distinguishes runs: the upper half of every action id.
    pub(crate) salt: u64,
    players: u32,
    due_us: Vec<AtomicU64>,
    receipts: Vec<AtomicU32>,
    deliveries: AtomicU64,
    completed: AtomicU64,
    acked: AtomicU64,
    refused: AtomicU64,
    closed: AtomicU64,
    last_receipt: Mutex<Histogram<u64>>,
    ack: Mutex<Histogram<u64>>,
    decided_to_last: Mutex<Histogram<u64>>,
    wall_offset_us: i64,
}

/// What a run showed. Latencies in microseconds.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) sent: u64,
    pub(crate) acked: u64,
    pub(crate) refused: u64,
    pub(crate) completed: u64,
    pub(crate) deliveries: u64,
    /// Clients' sockets that ended meanwhile.
    pub(crate) closed: u64,
    /// Some updates that not every player got: which, and how many got it.
    pub(crate) incomplete: Vec<(usize, u32)>,
    pub(crate) seconds: f64,
    pub(crate) last_receipt: Histogram<u64>,
    pub(crate) ack: Histogram<u64>,
    pub(crate) decided_to_last: Histogram<u64>,
}

impl Load {
    /// A run of `updates` updates, each received by `players` clients.
    pub(crate) fn new(updates: usize, players: u32, salt: u64) -> Self {
        let start = Instant::now();
        let wall = gss_shared::clock::Clock::system().now().0 * 1_000;
        Self {
            start,
            salt,
            players,
            due_us: (0..updates).map(|_| AtomicU64::new(0)).collect(),
            receipts: (0..updates).map(|_| AtomicU32::new(0)).collect(),
            deliveries: AtomicU64::new(0),
            completed: AtomicU64::new(0),
            acked: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            closed: AtomicU64::new(0),
            last_receipt: Mutex::new(histogram()),
            ack: Mutex::new(histogram()),
            decided_to_last: Mutex::new(histogram()),
            wall_offset_us: wall,
        }
    }

    pub(crate) fn elapsed_us(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    pub(crate) fn start(&self) -> Instant {
        self.start
    }

    pub(crate) fn due(&self, update: usize, at_us: u64) {
        self.due_us[update].store(at_us.max(1), Ordering::Relaxed);
    }

    /// A client got an update that was decided at this time (milliseconds since 1970).
    pub(crate) fn received(&self, update: usize, decided_ms: i64) {
        let Some(receipts) = self.receipts.get(update) else { return };
        self.deliveries.fetch_add(1, Ordering::Relaxed);
        if receipts.fetch_add(1, Ordering::Relaxed) + 1 == self.players {
            let now = self.elapsed_us();
            let due = self.due_us[update].load(Ordering::Relaxed);
            record(&self.last_receipt, now.saturating_sub(due));
            let wall = self.wall_offset_us + i64::try_from(now).unwrap_or(i64::MAX);
            record(&self.decided_to_last, u64::try_from(wall - decided_ms * 1_000).unwrap_or(0));
            self.completed.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn acked(&self, update: usize) {
        let Some(due) = self.due_us.get(update) else { return };
        record(&self.ack, self.elapsed_us().saturating_sub(due.load(Ordering::Relaxed)));
        self.acked.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn closed(&self) {
        self.closed.fetch_add(1, Ordering::Relaxed);
    }

    fn incomplete(&self) -> Vec<(usize, u32)> {
        let receipts = self.receipts.iter().map(|receipts| receipts.load(Ordering::Relaxed));
        let short = receipts.enumerate().filter(|(_, receipts)| *receipts < self.players);
        short.take(SHOWN).collect()
    }

    pub(crate) fn is_complete(&self) -> bool {
        let done = self.completed.load(Ordering::Relaxed) + self.refused.load(Ordering::Relaxed);
        done >= self.due_us.len() as u64
    }

    pub(crate) fn outcome(&self, seconds: f64) -> Outcome {
        let copy = |histogram: &Mutex<Histogram<u64>>| {
            histogram
                .lock()
                .map(|histogram| histogram.clone())
                .unwrap_or_else(|_| self::histogram())
        };
        Outcome {
            sent: self.due_us.len() as u64,
            acked: self.acked.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
            completed: self.completed.load(Ordering::Relaxed),
            deliveries: self.deliveries.load(Ordering::Relaxed),
            closed: self.closed.load(Ordering::Relaxed),
            incomplete: self.incomplete(),
            seconds,
            last_receipt: copy(&self.last_receipt),
            ack: copy(&self.ack),
            decided_to_last: copy(&self.decided_to_last),
        }
    }
}

fn record(histogram: &Mutex<Histogram<u64>>, us: u64) {
    if let Ok(mut histogram) = histogram.lock() {
        histogram.saturating_record(us.max(1));
    }
}
