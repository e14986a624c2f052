-- Takes shards over: compare-and-set of the epoch, all in one autocommit statement. Locks rows in
-- the order appends do. Gives the raised shards, or one row of nulls, each with the clock.
-- $1 shard, ascending  $2 expected epoch  $3 owner  $4 incarnation
WITH want AS MATERIALIZED (
  SELECT shard, epoch FROM shards WHERE shard = ANY ($1::int[]) ORDER BY shard FOR NO KEY UPDATE
), raised AS (
  UPDATE shards s
  SET epoch = s.epoch + 1, owner = $3::text, incarnation = $4::bigint,
      raised_at = clock_timestamp() AT TIME ZONE 'UTC'
  FROM want w JOIN unnest($1::int[], $2::bigint[]) AS x(shard, epoch) USING (shard)
  WHERE s.shard = w.shard AND w.epoch = x.epoch
  RETURNING s.shard, s.epoch
)
SELECT r.shard, r.epoch, clock_timestamp() AT TIME ZONE 'UTC'
FROM (SELECT) AS one LEFT JOIN raised r ON true
ORDER BY r.shard
