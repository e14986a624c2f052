-- Counts an activation before it starts.
INSERT INTO activations (shard, session_id, tries, last_at) VALUES (?1, ?2, 1, ?3)
ON CONFLICT (shard, session_id) DO UPDATE SET tries = tries + 1, last_at = excluded.last_at
RETURNING tries
