-- Epochs and owners of these shards; the epoch check of reads.
-- $1 shards
SELECT shard, epoch, owner, incarnation FROM shards WHERE shard = ANY ($1::int[]) ORDER BY shard
