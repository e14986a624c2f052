-- Last event of each of these sessions of one shard.
-- $1 shard  $2 session_id
SELECT w.session_id, e.version, e.id
FROM unnest($2::uuid[]) AS w(session_id)
CROSS JOIN LATERAL (
  SELECT version, id FROM session_events j
  WHERE j.shard = $1::int AND j.session_id = w.session_id
  ORDER BY version DESC LIMIT 1
) e
