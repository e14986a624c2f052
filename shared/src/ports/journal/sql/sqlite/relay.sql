-- Events of a shard after its cursor.
SELECT version, id, epoch, action_id, action_body_hash, actor, event_type, event_data, audience,
       created_at, row, session_id
FROM session_events
WHERE shard = ?1 AND row > ?2
ORDER BY row LIMIT ?3
