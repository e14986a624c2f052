-- Those of these actions that are in the journal, with the last event of each: the one before the
-- next that begins an action.
-- $1 shard  $2 session_id  $3 action ids
SELECT f.action_id, f.actor, f.action_body_hash, l.version, l.id, f.created_at
FROM session_events f
CROSS JOIN LATERAL (
  SELECT j.version, j.id FROM session_events j
  WHERE j.shard = $1::int AND j.session_id = $2::uuid AND j.version >= f.version
    AND j.version < coalesce((
      SELECT n.version FROM session_events n
      WHERE n.shard = $1::int AND n.session_id = $2::uuid AND n.version > f.version
        AND n.action_id IS NOT NULL
      ORDER BY n.version LIMIT 1), 9223372036854775807)
  ORDER BY j.version DESC LIMIT 1
) l
WHERE f.shard = $1::int AND f.session_id = $2::uuid AND f.action_id = ANY ($3::uuid[])
ORDER BY f.version
