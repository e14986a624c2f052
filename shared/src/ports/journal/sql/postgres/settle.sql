-- How many of each part's events are in the journal, by version and id.
-- $1 part no  $2 shard  $3 session_id  $4 version  $5 event id, one entry per event
SELECT t.part, count(e.id)
FROM unnest($1::int[], $2::int[], $3::uuid[], $4::bigint[], $5::uuid[])
     AS t(part, shard, session_id, version, id)
LEFT JOIN session_events e
  ON e.shard = t.shard AND e.session_id = t.session_id AND e.version = t.version AND e.id = t.id
GROUP BY t.part
