-- An activation went well.
-- $1 shard  $2 session_id
DELETE FROM activations WHERE shard = $1::int AND session_id = $2::uuid
