-- Purpose: the sessions and their journal, the only truth. Embedded form of the PostgreSQL tables
--   of the same names.
-- Invariants: per session, versions have no gap and no repeat; an action is in the journal at most
--   once; row numbers grow (AUTOINCREMENT: never used twice); events are never updated but for
--   erasure.
-- Size: a developer's tables: thousands of sessions, up to some million events of 0.7 kB.
CREATE TABLE sessions (
  id TEXT NOT NULL,
  campaign_id TEXT NOT NULL,
  name TEXT NOT NULL,
  status TEXT NOT NULL,
  metadata TEXT,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  is_deleted INTEGER NOT NULL DEFAULT 0,
  deleted_at INTEGER,
  shard INTEGER NOT NULL,
  version INTEGER NOT NULL,
  session_type TEXT NOT NULL,
  gm TEXT NOT NULL,
  members TEXT NOT NULL,
  open INTEGER NOT NULL,
  PRIMARY KEY (shard, id)
) STRICT;
CREATE INDEX sessions_newest ON sessions (created_at DESC, id DESC) WHERE NOT is_deleted;

CREATE TABLE session_events (
  row INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL,
  session_id TEXT NOT NULL,
  event_type TEXT NOT NULL,
  event_data TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  shard INTEGER NOT NULL,
  version INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  action_id TEXT,
  action_body_hash BLOB,
  actor TEXT,
  audience TEXT NOT NULL,
  UNIQUE (shard, session_id, version),
  CHECK ((action_id IS NULL) = (action_body_hash IS NULL))
) STRICT;
CREATE UNIQUE INDEX session_events_action ON session_events (shard, session_id, action_id)
  WHERE action_id IS NOT NULL;
CREATE INDEX session_events_relay ON session_events (shard, row);

CREATE TABLE session_states (
  id TEXT NOT NULL,
  session_id TEXT NOT NULL,
  state TEXT NOT NULL,
  version TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  shard INTEGER NOT NULL,
  at_version INTEGER NOT NULL,
  metadata TEXT,
  saved_by TEXT,
  PRIMARY KEY (shard, session_id, at_version, id)
) STRICT;
