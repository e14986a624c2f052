-- Purpose: what the cluster is, and who may write each shard.
-- Invariants: cluster has one row, its shard count never changes; shards has one row per shard,
--   written at the first start; an epoch only grows and every append locks its shard's row.
-- Size: cluster 1 row; shards at most 16,384 rows, under 2 MB. An update per ownership change, in
--   place: half of each page stays free for the new row version.
CREATE TABLE cluster (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  id uuid NOT NULL,
  shards int NOT NULL CHECK (shards BETWEEN 1 AND 16384),
  created_at timestamp NOT NULL
);

CREATE TABLE shards (
  shard int PRIMARY KEY,
  epoch bigint NOT NULL DEFAULT 0,
  owner text,
  incarnation bigint,
  raised_at timestamp
) WITH (fillfactor = 50);
