-- All sessions, newest first.
-- $1 null  $2 status  $3 campaign  $4 session type  $5 created before, with $6 its id  $7 limit
SELECT id, campaign_id, name, status, session_type, gm, members, open, metadata::text, created_at,
       updated_at, deleted_at, version
FROM sessions
WHERE NOT is_deleted
  AND $1::uuid IS NULL
  AND ($2::text IS NULL OR status = $2)
  AND ($3::uuid IS NULL OR campaign_id = $3)
  AND ($4::text IS NULL OR session_type = $4)
  AND ($5::timestamp IS NULL OR (created_at, id) < ($5, $6::uuid))
ORDER BY created_at DESC, id DESC LIMIT $7::bigint
