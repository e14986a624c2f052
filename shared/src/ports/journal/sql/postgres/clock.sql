-- The journal's clock.
SELECT clock_timestamp() AT TIME ZONE 'UTC'
