-- Whether this very event is in the journal.
SELECT EXISTS (
  SELECT 1 FROM session_events WHERE shard = ?1 AND session_id = ?2 AND version = ?3 AND id = ?4)
