-- Where the relays of these shards, given as a JSON array, stand.
SELECT shard, row FROM hub_cursors WHERE shard IN (SELECT value FROM json_each(?1))
