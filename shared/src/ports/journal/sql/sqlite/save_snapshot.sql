-- Stores a state under the epoch fence. Saving a state by the GM where one of cadence is makes that
-- one the GM's, never the reverse.
INSERT INTO session_states
       (id, session_id, state, version, created_at, shard, at_version, metadata, saved_by)
SELECT ?5, ?3, ?6, CAST(?4 AS TEXT), ?7, shard, ?4, ?8, ?9
FROM shards WHERE shard = ?1 AND epoch = ?2
ON CONFLICT (shard, session_id, at_version, id) DO UPDATE SET
  metadata = coalesce(excluded.metadata, metadata),
  saved_by = coalesce(excluded.saved_by, saved_by)
