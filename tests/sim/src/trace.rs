//! What happened, as one number: two runs of one seed must give the same.

use std::sync::{Arc, Mutex, PoisonError};

use xxhash_rust::xxh3::Xxh3;

/// A running hash. Clones are the same hash.
#[derive(Clone, Default)]
pub(crate) struct Trace(Arc<Mutex<Box<Xxh3>>>);

impl Trace {
    /// Something that happened, in numbers.
    pub(crate) fn note(&self, what: &[u64]) {
        for number in what {
            self.bytes(&number.to_le_bytes());
        }
    }

    /// Something that was said.
    pub(crate) fn bytes(&self, bytes: &[u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).update(bytes);
    }

    /// Everything so far.
    pub(crate) fn digest(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).digest()
    }
}
