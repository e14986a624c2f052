//! Warnings that came while a statement ran.

use std::sync::{Mutex, PoisonError};

use tokio_postgres::error::{DbError, Severity};

/// The first warning since the last clearing.
#[derive(Default)]
pub(super) struct Warnings(Mutex<Option<String>>);

impl Warnings {
    pub(super) fn clear(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    pub(super) fn first(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Any warning, since its text is in the server's language; no statement of the lane has a
    /// harmless one.
    pub(super) fn note(&self, notice: &DbError) {
        if matches!(notice.parsed_severity(), Some(Severity::Warning) | None) {
            let mut first = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            first.get_or_insert_with(|| notice.message().to_owned());
        }
    }
}
