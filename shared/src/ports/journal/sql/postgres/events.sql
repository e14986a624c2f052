-- Events of a session after a version.
-- $1 shard  $2 session_id  $3 version  $4 limit
SELECT version, id, epoch, action_id, action_body_hash, actor, event_type, event_data::text,
       audience::text, created_at
FROM session_events
WHERE shard = $1::int AND session_id = $2::uuid AND version > $3::bigint
ORDER BY version LIMIT $4::bigint
