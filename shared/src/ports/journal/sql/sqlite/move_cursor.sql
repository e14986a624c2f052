-- Moves a cursor forward, only under the shard's epoch.
INSERT INTO hub_cursors (shard, row, epoch)
SELECT shard, ?2, epoch FROM shards WHERE shard = ?1 AND epoch = ?3
ON CONFLICT (shard) DO UPDATE SET row = max(row, excluded.row), epoch = excluded.epoch
