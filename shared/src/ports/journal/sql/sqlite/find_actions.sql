-- Those of these actions, given as a JSON array, that are in the journal, with the last event of
-- each: the one before the next that begins an action.
SELECT f.action_id, f.actor, f.action_body_hash, l.version, l.id, f.created_at
FROM session_events f
JOIN session_events l ON l.shard = ?1 AND l.session_id = ?2 AND l.version = (
  SELECT max(j.version) FROM session_events j
  WHERE j.shard = ?1 AND j.session_id = ?2 AND j.version >= f.version AND j.version < coalesce((
    SELECT min(n.version) FROM session_events n
    WHERE n.shard = ?1 AND n.session_id = ?2 AND n.version > f.version
      AND n.action_id IS NOT NULL), 9223372036854775807))
WHERE f.shard = ?1 AND f.session_id = ?2 AND f.action_id IN (SELECT value FROM json_each(?3))
ORDER BY f.version
