-- Purpose: what the cluster is, and who may write each shard. Embedded form of the PostgreSQL
--   tables of the same names.
-- Invariants: cluster has one row, its shard count never changes; shards has one row per shard,
--   written at the first start; an epoch only grows. UUIDs are lower-case text, times milliseconds
--   since 1970 UTC, JSON is text.
-- Size: cluster 1 row; shards at most 16,384 rows.
CREATE TABLE cluster (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  id TEXT NOT NULL,
  shards INTEGER NOT NULL CHECK (shards BETWEEN 1 AND 16384),
  created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE shards (
  shard INTEGER PRIMARY KEY,
  epoch INTEGER NOT NULL DEFAULT 0,
  owner TEXT,
  incarnation INTEGER,
  raised_at INTEGER
) STRICT;
