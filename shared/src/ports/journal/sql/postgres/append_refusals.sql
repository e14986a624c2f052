-- Ends append.sql.
SELECT part, refusal FROM verdict WHERE refusal IS NOT NULL
