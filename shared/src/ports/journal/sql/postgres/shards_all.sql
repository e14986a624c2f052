-- Epochs and owners of all shards.
SELECT shard, epoch, owner, incarnation FROM shards ORDER BY shard
