-- Events of a session after a version.
SELECT version, id, epoch, action_id, action_body_hash, actor, event_type, event_data, audience,
       created_at
FROM session_events
WHERE shard = ?1 AND session_id = ?2 AND version > ?3
ORDER BY version LIMIT ?4
