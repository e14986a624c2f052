-- States saved by the GM, newest first: not a join, which may begin with the session's events.
-- $1 shard  $2 session_id  $3 below this version  $4 limit
SELECT s.at_version, s.id, s.state::text, s.created_at, s.metadata::text, s.saved_by
FROM session_states s
WHERE s.shard = $1::int AND s.session_id = $2::uuid AND s.at_version < $3::bigint
  AND s.metadata IS NOT NULL
  AND (SELECT e.id FROM session_events e
       WHERE e.shard = s.shard AND e.session_id = s.session_id AND e.version = s.at_version) = s.id
ORDER BY s.at_version DESC LIMIT $4::bigint
