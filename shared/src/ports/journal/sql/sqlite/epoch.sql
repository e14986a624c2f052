-- Epoch of a shard.
SELECT epoch FROM shards WHERE shard = ?1
