-- Takes a shard over: compare-and-set of the epoch.
UPDATE shards SET epoch = epoch + 1, owner = ?3, incarnation = ?4, raised_at = ?5
WHERE shard = ?1 AND epoch = ?2
RETURNING epoch
