-- Sessions of the caller and those open to anyone, newest first. Two ordered searches, each with
-- its own index, instead of one that has to look at everything.
-- $1 caller  $2 status  $3 campaign  $4 session type  $5 created before, with $6 its id  $7 limit
WITH mine AS (
  SELECT shard, id, created_at FROM sessions
  WHERE NOT is_deleted AND members @> ARRAY[$1::uuid]
    AND ($2::text IS NULL OR status = $2)
    AND ($3::uuid IS NULL OR campaign_id = $3)
    AND ($4::text IS NULL OR session_type = $4)
    AND ($5::timestamp IS NULL OR (created_at, id) < ($5, $6::uuid))
  ORDER BY created_at DESC, id DESC LIMIT $7::bigint
), anyones AS (
  SELECT shard, id, created_at FROM sessions
  WHERE open AND NOT is_deleted
    AND ($2::text IS NULL OR status = $2)
    AND ($3::uuid IS NULL OR campaign_id = $3)
    AND ($4::text IS NULL OR session_type = $4)
    AND ($5::timestamp IS NULL OR (created_at, id) < ($5, $6::uuid))
  ORDER BY created_at DESC, id DESC LIMIT $7::bigint
)
SELECT s.id, s.campaign_id, s.name, s.status, s.session_type, s.gm, s.members, s.open,
       s.metadata::text, s.created_at, s.updated_at, s.deleted_at, s.version
FROM (SELECT * FROM mine UNION SELECT * FROM anyones) w
JOIN sessions s ON s.shard = w.shard AND s.id = w.id
ORDER BY s.created_at DESC, s.id DESC LIMIT $7::bigint
