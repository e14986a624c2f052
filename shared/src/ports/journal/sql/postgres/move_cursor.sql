-- Moves a cursor forward, only under the shard's epoch.
-- $1 shard  $2 row  $3 epoch
WITH held AS MATERIALIZED (
  SELECT shard FROM shards WHERE shard = $1::int AND epoch = $3::bigint FOR SHARE
), moved AS (
  INSERT INTO hub_cursors AS c (shard, row, epoch)
  SELECT h.shard, $2::bigint, $3::bigint FROM held h
  ON CONFLICT (shard) DO UPDATE SET row = excluded.row, epoch = excluded.epoch
  WHERE c.row < excluded.row
)
SELECT FROM held
