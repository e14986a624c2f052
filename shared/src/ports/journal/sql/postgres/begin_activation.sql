-- Counts an activation before it starts.
-- $1 shard  $2 session_id
INSERT INTO activations AS a (shard, session_id, tries, last_at)
VALUES ($1::int, $2::uuid, 1, clock_timestamp() AT TIME ZONE 'UTC')
ON CONFLICT (shard, session_id) DO UPDATE SET tries = a.tries + 1, last_at = excluded.last_at
RETURNING tries
