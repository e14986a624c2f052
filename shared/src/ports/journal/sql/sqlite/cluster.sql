-- What the cluster is.
SELECT id, shards FROM cluster
