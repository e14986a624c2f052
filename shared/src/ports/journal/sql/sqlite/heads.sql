-- Last event of each of these sessions, given as a JSON array, of one shard.
SELECT e.session_id, e.version, e.id
FROM json_each(?2) AS w
JOIN session_events e ON e.shard = ?1 AND e.session_id = w.value AND e.version = (
  SELECT max(j.version) FROM session_events j WHERE j.shard = ?1 AND j.session_id = w.value)
