-- Purpose: what owners and operators note down beside the journal. Embedded form of the PostgreSQL
--   tables of the same names.
-- Invariants: a hub cursor only moves forward and only under its shard's epoch; an activation row
--   exists while activations of the session began and none completed since; audit rows are never
--   changed.
-- Size: hub_cursors at most 16,384 rows; activations one row per session being loaded; admin_audit
--   one row per operator's act.
CREATE TABLE hub_cursors (
  shard INTEGER PRIMARY KEY,
  row INTEGER NOT NULL,
  epoch INTEGER NOT NULL
) STRICT;

CREATE TABLE activations (
  shard INTEGER NOT NULL,
  session_id TEXT NOT NULL,
  tries INTEGER NOT NULL,
  last_at INTEGER NOT NULL,
  PRIMARY KEY (shard, session_id)
) STRICT;

CREATE TABLE admin_audit (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  created_at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  act TEXT NOT NULL,
  details TEXT NOT NULL
) STRICT;
CREATE INDEX admin_audit_time ON admin_audit (created_at);
