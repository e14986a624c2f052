-- Writes the session's row with the events it sums up.
INSERT INTO sessions (id, campaign_id, name, status, metadata, created_at, updated_at, is_deleted,
                      deleted_at, shard, version, session_type, gm, members, open)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8 IS NOT NULL, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
ON CONFLICT (shard, id) DO UPDATE SET
  campaign_id = excluded.campaign_id, name = excluded.name, status = excluded.status,
  metadata = excluded.metadata, created_at = excluded.created_at,
  updated_at = excluded.updated_at, is_deleted = excluded.is_deleted,
  deleted_at = excluded.deleted_at, version = excluded.version,
  session_type = excluded.session_type, gm = excluded.gm, members = excluded.members,
  open = excluded.open
WHERE sessions.version < excluded.version
