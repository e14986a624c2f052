-- Drops all but two states of cadence below a version.
DELETE FROM session_states
WHERE shard = ?1 AND session_id = ?2 AND metadata IS NULL AND at_version < (
  SELECT min(at_version) FROM (
    SELECT at_version FROM session_states
    WHERE shard = ?1 AND session_id = ?2 AND metadata IS NULL AND at_version < ?3
    ORDER BY at_version DESC LIMIT 2))
