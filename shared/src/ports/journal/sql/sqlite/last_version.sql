-- Version of a session's last event; null: none.
SELECT max(version) FROM session_events WHERE shard = ?1 AND session_id = ?2
