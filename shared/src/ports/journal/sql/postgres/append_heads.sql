-- Goes between append.sql and append_refusals.sql: the rows of sessions whose head changed.
-- $17 part no of a changed head  $18 campaign  $19 name  $20 status  $21 session type  $22 gm
-- $23 members  $24 open  $25 metadata  $26 created at  $27 updated at  $28 deleted at
-- $29 version of the part's last event
, summed AS (
  INSERT INTO sessions AS s (id, campaign_id, name, status, metadata, created_at, updated_at,
                             is_deleted, deleted_at, shard, version, session_type, gm, members, open)
  SELECT p.session_id, h.campaign_id, h.name, h.status, h.metadata::jsonb, h.created_at,
         h.updated_at, h.deleted_at IS NOT NULL, h.deleted_at, p.shard, h.version, h.session_type,
         h.gm, h.members::uuid[], h.open
  FROM unnest($17::int[], $18::uuid[], $19::text[], $20::text[], $21::text[], $22::uuid[],
              $23::text[], $24::boolean[], $25::text[], $26::timestamp[], $27::timestamp[],
              $28::timestamp[], $29::bigint[])
       AS h(part, campaign_id, name, status, session_type, gm, members, open, metadata,
            created_at, updated_at, deleted_at, version)
  JOIN part p USING (part) JOIN verdict v USING (part) WHERE v.refusal IS NULL
  ON CONFLICT (shard, id) DO UPDATE SET
    campaign_id = excluded.campaign_id, name = excluded.name, status = excluded.status,
    metadata = excluded.metadata, created_at = excluded.created_at,
    updated_at = excluded.updated_at, is_deleted = excluded.is_deleted,
    deleted_at = excluded.deleted_at, version = excluded.version,
    session_type = excluded.session_type, gm = excluded.gm, members = excluded.members,
    open = excluded.open
  WHERE s.version < excluded.version
)
