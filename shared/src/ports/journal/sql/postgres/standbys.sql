-- Synchronous standbys that are connected. Needs pg_monitor unless the user is a superuser.
SELECT count(*) FROM pg_stat_replication
WHERE sync_state IN ('sync', 'quorum') AND current_setting('synchronous_standby_names') <> ''
