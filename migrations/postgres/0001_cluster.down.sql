-- Purpose: takes back 0001_cluster. Every epoch is lost: only for an empty journal.
DROP TABLE shards;
DROP TABLE cluster;
