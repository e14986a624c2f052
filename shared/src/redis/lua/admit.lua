-- Counts one request of a key if it fits; the reckoning of ports/rate/window.rs. A repetition counts
-- twice, which is on the safe side.
-- KEYS: counters, a hash of slice -> requests
-- ARGV: limit, period_ms, milliseconds of a slice
-- Answer: {1, how many more} or {0, retry_after_ms}
local limit, period, width = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local used, first, last = 0, nil, math.floor(now / width)
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  local slice = tonumber(all[i])
  if (slice + 1) * width + period <= now then
    redis.call('HDEL', KEYS[1], all[i])
  else
    used = used + tonumber(all[i + 1])
    first = math.min(first or slice, slice)
    last = math.max(last, slice)
  end
end
if used >= limit then
  local over = first and (first + 1) * width + period or now + period
  return { 0, math.max(1, over - now) }
end
redis.call('HINCRBY', KEYS[1], string.format('%.0f', last), 1)
redis.call('PEXPIRE', KEYS[1], period + 2 * width)
return { 1, limit - used - 1 }
