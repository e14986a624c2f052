//! Which rows of one shard the hub has confirmed. Pure.

use std::collections::BTreeMap;

use gss_shared::ids::{Epoch, Shard};
use gss_shared::ports::journal::HubCursor;

/// Where one shard's relay stands.
#[derive(Debug)]
pub(super) struct ShardCursor {
    /// The epoch it was read under.
    pub(super) epoch: Epoch,
    /// Everything up to here is confirmed.
    row: i64,
    /// What the journal knows of it: behind, for a moment.
    stored: i64,
    /// Rows behind it, read in order: confirmed or not.
    ahead: BTreeMap<i64, bool>,
}

impl ShardCursor {
    pub(super) fn new(row: i64, epoch: Epoch) -> Self {
        Self { epoch, row, stored: row, ahead: BTreeMap::new() }
    }

    /// From where to read: behind what is confirmed without a gap.
    pub(super) fn position(&self, shard: Shard) -> HubCursor {
        HubCursor { shard, row: self.row }
    }

    /// A row was read. False: it is confirmed already and is not published again.
    pub(super) fn read(&mut self, row: i64) -> bool {
        row > self.row && !*self.ahead.entry(row).or_insert(false)
    }

    pub(super) fn confirm(&mut self, row: i64) {
        self.ahead.insert(row, true);
    }

    /// Moves over the contiguous confirmed rows.
    pub(super) fn advance(&mut self) {
        let contiguous = self.ahead.iter().take_while(|(_, confirmed)| **confirmed).last();
        if let Some((&row, _)) = contiguous {
            self.row = row;
            self.ahead = self.ahead.split_off(&(row + 1));
        }
    }

    /// What has to be stored, if the journal does not know it yet.
    pub(super) fn unstored(&self) -> Option<i64> {
        (self.row > self.stored).then_some(self.row)
    }

    /// The cursor was stored there.
    pub(super) fn stored(&mut self, row: i64) {
        self.stored = row;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moves_over_contiguous_confirmed_rows_only() {
        let mut cursor = ShardCursor::new(10, Epoch(3));
        assert!(cursor.read(12) && cursor.read(15) && cursor.read(17));
        cursor.confirm(15);
        cursor.advance();
        assert_eq!(cursor.unstored(), None);
        cursor.confirm(12);
        cursor.advance();
        assert_eq!(cursor.unstored(), Some(15));
        assert_eq!(cursor.position(Shard(1)), HubCursor { shard: Shard(1), row: 15 });
        cursor.stored(15);
        assert_eq!(cursor.unstored(), None);
        cursor.confirm(17);
        cursor.advance();
        assert_eq!(cursor.unstored(), Some(17));
    }

    #[test]
    fn what_is_confirmed_behind_a_gap_is_not_published_again() {
        let mut cursor = ShardCursor::new(0, Epoch(3));
        assert!(cursor.read(1) && cursor.read(2) && cursor.read(3));
        cursor.confirm(2);
        cursor.advance();
        assert_eq!(cursor.unstored(), None);
        assert!(cursor.read(1));
        assert!(!cursor.read(2));
        assert!(cursor.read(3));
        cursor.confirm(1);
        cursor.advance();
        assert_eq!(cursor.unstored(), Some(2));
    }
}
