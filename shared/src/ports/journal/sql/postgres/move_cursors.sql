-- Moves cursors forward, each only under its shard's epoch; gives the shards that are held under it.
-- Locks rows in the order appends do.
-- $1 shard  $2 row  $3 epoch
WITH locked AS MATERIALIZED (
  SELECT shard, epoch FROM shards WHERE shard = ANY ($1::int[]) ORDER BY shard FOR SHARE
), held AS MATERIALIZED (
  SELECT shard, w.row, epoch
  FROM locked JOIN unnest($1::int[], $2::bigint[], $3::bigint[]) AS w(shard, row, epoch)
       USING (shard, epoch)
  ORDER BY shard
), moved AS (
  INSERT INTO hub_cursors AS c (shard, row, epoch)
  SELECT shard, row, epoch FROM held
  ON CONFLICT (shard) DO UPDATE SET row = excluded.row, epoch = excluded.epoch
  WHERE c.row < excluded.row
)
SELECT shard FROM held
