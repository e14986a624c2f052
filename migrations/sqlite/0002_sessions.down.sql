-- Purpose: takes back 0002_sessions. All sessions and their events are lost.
DROP TABLE session_states;
DROP TABLE session_events;
DROP TABLE sessions;
