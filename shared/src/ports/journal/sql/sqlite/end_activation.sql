-- An activation went well.
DELETE FROM activations WHERE shard = ?1 AND session_id = ?2
