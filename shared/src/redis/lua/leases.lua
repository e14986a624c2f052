-- Leases under one hash tag, to look at. Changes nothing.
-- KEYS: leases
-- Answer: {value or '', milliseconds left, ...}
local found = {}
for _, key in ipairs(KEYS) do
  found[#found + 1] = redis.call('GET', key) or ''
  found[#found + 1] = tostring(redis.call('PTTL', key))
end
return found
