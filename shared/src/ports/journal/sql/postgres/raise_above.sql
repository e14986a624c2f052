-- Raises an epoch to above one that was seen elsewhere: commits were lost, and epochs with them.
-- $1 shard  $2 epoch seen  $3 owner  $4 incarnation
UPDATE shards
SET epoch = greatest(epoch, $2::bigint) + 1, owner = $3::text, incarnation = $4::bigint,
    raised_at = clock_timestamp() AT TIME ZONE 'UTC'
WHERE shard = $1::int
RETURNING epoch
