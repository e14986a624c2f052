-- Purpose: what owners and operators note down beside the journal.
-- Invariants: a hub cursor only moves forward and only under its shard's epoch; an activation row
--   exists while activations of the session began and none completed since; audit rows are never
--   changed.
-- Size: hub_cursors at most 16,384 rows; activations one row per session being loaded, normally
--   under 100; admin_audit one row per operator's act, about 0.3 kB.
CREATE TABLE hub_cursors (
  shard int PRIMARY KEY,
  row bigint NOT NULL,
  epoch bigint NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE activations (
  shard int NOT NULL,
  session_id uuid NOT NULL,
  tries int NOT NULL,
  last_at timestamp NOT NULL,
  PRIMARY KEY (shard, session_id)
) WITH (fillfactor = 50);

CREATE TABLE admin_audit (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  created_at timestamp NOT NULL,
  actor text NOT NULL,
  act text NOT NULL,
  details jsonb NOT NULL
);
CREATE INDEX admin_audit_time ON admin_audit (created_at);
