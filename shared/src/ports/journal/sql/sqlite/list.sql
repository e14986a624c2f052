-- Sessions, newest first.
-- ?1 caller, null: all  ?2 only the caller's  ?3 status  ?4 campaign  ?5 session type
-- ?6 created before, with ?7 its id  ?8 limit
SELECT id, campaign_id, name, status, session_type, gm, members, open, metadata, created_at,
       updated_at, deleted_at, version
FROM sessions
WHERE NOT is_deleted
  AND (?1 IS NULL OR (open AND NOT ?2)
       OR EXISTS (SELECT 1 FROM json_each(members) WHERE value = ?1))
  AND (?3 IS NULL OR status = ?3)
  AND (?4 IS NULL OR campaign_id = ?4)
  AND (?5 IS NULL OR session_type = ?5)
  AND (?6 IS NULL OR (created_at, id) < (?6, ?7))
ORDER BY created_at DESC, id DESC LIMIT ?8
