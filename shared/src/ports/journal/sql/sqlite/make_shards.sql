-- Makes the shards of a new cluster.
INSERT INTO shards (shard)
WITH RECURSIVE n(shard) AS (
  SELECT 0 UNION ALL SELECT shard + 1 FROM n WHERE shard + 1 < (SELECT shards FROM cluster))
SELECT shard FROM n WHERE true
ON CONFLICT DO NOTHING
