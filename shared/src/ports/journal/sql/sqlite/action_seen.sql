-- Whether an action is in the journal.
SELECT EXISTS (
  SELECT 1 FROM session_events WHERE shard = ?1 AND session_id = ?2 AND action_id = ?3)
