-- Appends consecutive events of several sessions, each session's part whole or not at all.
-- One autocommit statement, READ COMMITTED; returns only the refused parts, so that a paused owner
-- cannot hold its locks while the answer waits to be read. append_heads.sql follows when parts change
-- heads, then append_refusals.sql.
-- Each look-up asks for the first of an order: with sorts disabled only the index with that order
-- serves it, whatever the statistics say.
-- $1 part no  $2 shard  $3 epoch  $4 session_id  $5 version before the part's first event
-- $6 distinct shards, ascending
-- $7 part no  $8 version  $9 event id  $10 action id  $11 action body hash  $12 actor
-- $13 event type  $14 event data  $15 audience  $16 decided at
WITH part AS MATERIALIZED (
  SELECT * FROM unnest($1::int[], $2::int[], $3::bigint[], $4::uuid[], $5::bigint[])
       AS t(part, shard, epoch, session_id, after_version)
), held AS MATERIALIZED (              -- the fence: waits for a raise under way, then sees its result
  SELECT shard, epoch FROM shards WHERE shard = ANY ($6::int[]) ORDER BY shard FOR SHARE
), event AS MATERIALIZED (
  SELECT t.*, p.shard, p.session_id, p.epoch,
         (SELECT j.action_id FROM session_events j
          WHERE j.shard = p.shard AND j.session_id = p.session_id
            AND j.action_id BETWEEN t.action_id AND t.action_id
          ORDER BY j.action_id LIMIT 1) IS NOT NULL AS seen
  FROM unnest($7::int[], $8::bigint[], $9::uuid[], $10::uuid[], $11::bytea[], $12::uuid[],
              $13::text[], $14::text[], $15::text[], $16::timestamp[])
       AS t(part, version, id, action_id, action_body_hash, actor,
            event_type, event_data, audience, created_at)
  JOIN part p USING (part)
), verdict AS MATERIALIZED (
  SELECT p.part,
    CASE
      WHEN h.shard IS NULL THEN 'fenced'
      WHEN d.seen THEN 'duplicate'
      WHEN p.after_version <> coalesce((
             SELECT j.version FROM session_events j
             WHERE j.shard = p.shard AND j.session_id = p.session_id
             ORDER BY j.version DESC LIMIT 1), 0)
        THEN 'diverged'
    END AS refusal
  FROM part p
  JOIN (SELECT part, bool_or(seen) AS seen FROM event GROUP BY part) d USING (part)
  LEFT JOIN held h ON h.shard = p.shard AND h.epoch = p.epoch
), appended AS (
  INSERT INTO session_events (id, session_id, event_type, event_data, created_at, shard, version,
                              epoch, action_id, action_body_hash, actor, audience)
  SELECT e.id, e.session_id, e.event_type, e.event_data::jsonb, e.created_at, e.shard, e.version,
         e.epoch, e.action_id, e.action_body_hash, e.actor, e.audience::jsonb
  FROM event e JOIN verdict v USING (part) WHERE v.refusal IS NULL
  ORDER BY e.part, e.version           -- row numbers grow with versions
)
