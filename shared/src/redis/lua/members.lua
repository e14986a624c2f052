-- Reads the members under one hash tag.
-- KEYS: members, generation?
-- Answer: {milliseconds left, record, ...}, generation or ''
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local members = {}
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  local expires, record = string.match(all[i + 1], '^(%d+):%x+:(.*)$')
  local left = expires and tonumber(expires) - now or 0
  if left > 0 then
    members[#members + 1] = left
    members[#members + 1] = record
  end
end
return { members, KEYS[2] and redis.call('GET', KEYS[2]) or '' }
