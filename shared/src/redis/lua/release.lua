-- Deletes leases that have the given value, or puts a reservation in their place. May be repeated.
-- KEYS: leases
-- ARGV: milliseconds of a reservation, then for each lease its value and the reservation or ''
for i = 1, #KEYS do
  local value, reservation = ARGV[2 * i], ARGV[2 * i + 1]
  if redis.call('GET', KEYS[i]) == value then
    if reservation == '' then
      redis.call('DEL', KEYS[i])
    else
      redis.call('SET', KEYS[i], reservation, 'PX', ARGV[1])
    end
  end
end
return 0
