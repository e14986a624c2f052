-- Epochs and owners of these shards, given as a JSON array; of all when it is empty.
SELECT shard, epoch, owner, incarnation FROM shards
WHERE json_array_length(?1) = 0 OR shard IN (SELECT value FROM json_each(?1))
ORDER BY shard
