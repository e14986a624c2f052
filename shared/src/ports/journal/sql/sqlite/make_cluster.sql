-- Makes the cluster at the first start.
INSERT INTO cluster (one, id, shards, created_at) VALUES (1, ?1, ?2, ?3) ON CONFLICT DO NOTHING
