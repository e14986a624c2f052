-- Drops all but two states of cadence of this history below a version.
DELETE FROM session_states
WHERE shard = ?1 AND session_id = ?2 AND metadata IS NULL AND at_version < (
  SELECT min(at_version) FROM (
    SELECT i.at_version FROM session_states i
    WHERE i.shard = ?1 AND i.session_id = ?2 AND i.metadata IS NULL AND i.at_version < ?3
      AND EXISTS (SELECT 1 FROM session_events e
                  WHERE e.shard = i.shard AND e.session_id = i.session_id
                    AND e.version = i.at_version AND e.id = i.id)
    ORDER BY i.at_version DESC LIMIT 2))
