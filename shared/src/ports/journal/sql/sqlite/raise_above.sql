-- Raises an epoch to above one that was seen elsewhere.
UPDATE shards SET epoch = max(epoch, ?2) + 1, owner = ?3, incarnation = ?4, raised_at = ?5
WHERE shard = ?1
RETURNING epoch
