-- States saved by the GM, newest first.
SELECT s.at_version, s.id, s.state, s.created_at, s.metadata, s.saved_by
FROM session_states s
WHERE s.shard = ?1 AND s.session_id = ?2 AND s.at_version < ?3 AND s.metadata IS NOT NULL
  AND EXISTS (SELECT 1 FROM session_events e
              WHERE e.shard = s.shard AND e.session_id = s.session_id
                AND e.version = s.at_version AND e.id = s.id)
ORDER BY s.at_version DESC LIMIT ?4
