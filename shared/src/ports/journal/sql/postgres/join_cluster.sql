-- Makes the cluster and its shards at the first start; gives what the cluster is.
-- $1 shards
WITH made AS (
  INSERT INTO cluster (one, id, shards, created_at)
  VALUES (true, gen_random_uuid(), $1::int, clock_timestamp() AT TIME ZONE 'UTC')
  ON CONFLICT (one) DO NOTHING
  RETURNING id, shards
), filled AS (
  INSERT INTO shards (shard)
  SELECT s FROM made, generate_series(0, made.shards - 1) AS s
)
SELECT id, shards FROM made
