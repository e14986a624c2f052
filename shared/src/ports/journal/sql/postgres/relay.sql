-- Events after each shard's cursor. Shards are served in the order given until the limit is full.
-- $1 shard  $2 row  $3 limit
SELECT e.version, e.id, e.epoch, e.action_id, e.action_body_hash, e.actor, e.event_type,
       e.event_data::text, e.audience::text, e.created_at, c.shard, e.row, e.session_id
FROM unnest($1::int[], $2::bigint[]) AS c(shard, row)
CROSS JOIN LATERAL (
  SELECT * FROM session_events j
  WHERE j.shard = c.shard AND j.row > c.row
  ORDER BY j.row LIMIT $3::bigint
) e
LIMIT $3::bigint
