-- Purpose: takes back 0003_service. The audit trail is lost; after it the hub gets every event
-- again.
DROP TABLE admin_audit;
DROP TABLE activations;
DROP TABLE hub_cursors;
