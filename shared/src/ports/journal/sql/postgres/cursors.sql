-- Where the relays of these shards stand.
-- $1 shards
SELECT shard, row FROM hub_cursors WHERE shard = ANY ($1::int[])
