//! Where shells read the wall clock. Pure crates get `now` as an argument.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::time::Timestamp;

/// The process's wall clock, corrected by the offset to the journal's clock.
///
/// The offset is learned from answers of the journal, so that `now` means the same on every owner.
#[derive(Clone, Debug)]
pub struct Clock {
    source: Source,
    offset_ms: Arc<AtomicI64>,
}

#[derive(Clone, Debug)]
enum Source {
    System,
    Virtual { base: Timestamp, start: tokio::time::Instant },
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self { source: Source::System, offset_ms: Arc::default() }
    }

    /// A clock that starts at `base` and moves with the runtime's (possibly paused) time.
    pub fn virtual_from(base: Timestamp) -> Self {
        let start = tokio::time::Instant::now();
        Self { source: Source::Virtual { base, start }, offset_ms: Arc::default() }
    }

    /// Now, as the journal would say it.
    pub fn now(&self) -> Timestamp {
        self.uncorrected().plus_ms(self.offset_ms())
    }

    /// Takes over the journal's clock, read between `asked` (by this clock, uncorrected) and now.
    pub fn correct(&self, asked: Timestamp, journal: Timestamp) {
        let answered = self.uncorrected();
        let middle = asked.plus_ms(answered.since_ms(asked) / 2);
        self.offset_ms.store(journal.since_ms(middle), Ordering::Relaxed);
    }

    /// By how much the journal's clock is ahead of this one, as last learned.
    pub fn offset_ms(&self) -> i64 {
        self.offset_ms.load(Ordering::Relaxed)
    }

    /// Now, without correction.
    pub fn uncorrected(&self) -> Timestamp {
        match &self.source {
            Source::System => system_now(),
            Source::Virtual { base, start } => {
                let ms = start.elapsed().as_millis();
                base.plus_ms(i64::try_from(ms).unwrap_or(i64::MAX))
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
fn system_now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let ms = since.map_or(0, |since| since.as_millis());
    Timestamp(i64::try_from(ms).unwrap_or(i64::MAX))
}
