-- Purpose: the sessions and their journal, the only truth.
-- Invariants: every key begins with the shard, so that the tables can be partitioned by hash of the
--   shard; per session, versions have no gap and no repeat; an action is in the journal at most
--   once; row numbers grow along each shard; events are never updated but for erasure. There are no
--   foreign keys to sessions (docs/adr/0001-no-foreign-keys-in-the-journal.md).
-- Size: sessions 1 kB each. session_events about 0.7 kB each with its three indexes: 10,000 a
--   second are 0.5 TB a day. session_states at most three per session and one per save by the GM,
--   up to 1 MiB each.

-- One row per session, written with the events it sums up. The primary key holds the shard; the
-- identifier alone is indexed for other readers of the database.
CREATE TABLE sessions (
  id uuid NOT NULL,
  campaign_id uuid NOT NULL,
  name varchar(255) NOT NULL,
  status varchar(50) NOT NULL,
  metadata jsonb,
  created_at timestamp NOT NULL,
  updated_at timestamp NOT NULL,
  is_deleted boolean DEFAULT false,
  deleted_at timestamp,
  shard int NOT NULL,
  version bigint NOT NULL,
  session_type varchar(50) NOT NULL,
  gm uuid NOT NULL,
  members uuid[] NOT NULL,
  open boolean NOT NULL,
  PRIMARY KEY (shard, id)
) WITH (fillfactor = 80, autovacuum_analyze_scale_factor = 0.01);
CREATE INDEX sessions_id ON sessions (id);
CREATE INDEX sessions_newest ON sessions (created_at DESC, id DESC) WHERE NOT is_deleted;
CREATE INDEX sessions_open ON sessions (created_at DESC, id DESC) WHERE open AND NOT is_deleted;
CREATE INDEX sessions_campaign ON sessions (campaign_id, created_at DESC, id DESC) WHERE NOT is_deleted;
CREATE INDEX sessions_members ON sessions USING gin (members) WHERE NOT is_deleted;

-- CACHE 1: with more, a connection would hold numbers back and use them after another owner's
-- higher ones, and the relay, whose cursor is a row number, would skip these events. A sequence
-- and not an identity column, which partitioned tables cannot have.
CREATE SEQUENCE session_events_row CACHE 1;
CREATE TABLE session_events (
  id uuid NOT NULL,
  session_id uuid NOT NULL,
  event_type varchar(100) NOT NULL,
  event_data jsonb NOT NULL,
  created_at timestamp NOT NULL,
  shard int NOT NULL,
  version bigint NOT NULL,
  epoch bigint NOT NULL,
  action_id uuid,
  action_body_hash bytea,
  actor uuid,
  audience jsonb NOT NULL,
  row bigint NOT NULL DEFAULT nextval('session_events_row'),
  PRIMARY KEY (shard, session_id, version),
  CHECK ((action_id IS NULL) = (action_body_hash IS NULL))
) WITH (autovacuum_analyze_scale_factor = 0.01, autovacuum_vacuum_insert_scale_factor = 0.05);
ALTER SEQUENCE session_events_row OWNED BY session_events.row;
CREATE UNIQUE INDEX session_events_action ON session_events (shard, session_id, action_id)
  WHERE action_id IS NOT NULL;
CREATE INDEX session_events_relay ON session_events (shard, row);

-- A state is named by the event it includes last: id is that event's id, version its version in
-- decimal. One whose event is not in the journal is of a history that was lost.
CREATE TABLE session_states (
  id uuid NOT NULL,
  session_id uuid NOT NULL,
  state jsonb NOT NULL,
  version varchar(50) NOT NULL,
  created_at timestamp NOT NULL,
  shard int NOT NULL,
  at_version bigint NOT NULL,
  metadata jsonb,
  saved_by uuid,
  PRIMARY KEY (shard, session_id, at_version, id)
) WITH (autovacuum_analyze_scale_factor = 0.01);

-- The planner must not take these tables for unknown: on an empty journal it would choose the
-- primary key for the look-up of actions.
ANALYZE sessions, session_events, session_states;
