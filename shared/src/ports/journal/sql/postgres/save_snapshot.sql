-- Stores a state under the epoch fence and drops all but two older states of cadence of this history.
-- Saving a state by the GM where one of cadence is makes that one the GM's, never the reverse.
-- States come first, newest first: not a join, which may begin with the session's events.
-- $1 shard  $2 epoch  $3 session_id  $4 version  $5 event id  $6 state  $7 made at  $8 metadata
-- $9 saved by
WITH held AS MATERIALIZED (
  SELECT shard FROM shards WHERE shard = $1::int AND epoch = $2::bigint FOR SHARE
), saved AS (
  INSERT INTO session_states AS s
         (id, session_id, state, version, created_at, shard, at_version, metadata, saved_by)
  SELECT $5::uuid, $3::uuid, $6::text::jsonb, $4::bigint::text, $7::timestamp, h.shard, $4::bigint,
         $8::text::jsonb, $9::uuid
  FROM held h
  ON CONFLICT (shard, session_id, at_version, id) DO UPDATE SET
    metadata = coalesce(excluded.metadata, s.metadata),
    saved_by = coalesce(excluded.saved_by, s.saved_by)
), pruned AS (
  DELETE FROM session_states o USING held h
  WHERE o.shard = h.shard AND o.session_id = $3::uuid AND o.metadata IS NULL
    AND o.at_version < (
      SELECT min(k.at_version) FROM (
        SELECT i.at_version FROM session_states i
        WHERE i.shard = $1::int AND i.session_id = $3::uuid AND i.metadata IS NULL
          AND i.at_version < $4::bigint
          AND (SELECT e.id FROM session_events e
               WHERE e.shard = i.shard AND e.session_id = i.session_id
                 AND e.version = i.at_version) = i.id
        ORDER BY i.at_version DESC LIMIT 2) k)
)
SELECT FROM held
