-- Appends one event; the statements around it hold the write lock and have checked the fence.
INSERT INTO session_events (id, session_id, event_type, event_data, created_at, shard, version,
                            epoch, action_id, action_body_hash, actor, audience)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
