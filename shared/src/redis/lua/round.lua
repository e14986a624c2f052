-- One round of a node under one hash tag: renews leases by value, reads others, and where the tag
-- holds member records, refreshes the node's own and reads all. May be repeated.
-- KEYS: [members, generation?] leases to renew, leases to read
-- ARGV: ttl_ms, leases to renew, their values ..., node or '', incarnation, record, generation or ''
-- Answer: {states of renewed leases: '=' ours, '' none, or the value found}, {values read or ''},
--   own record was there (0|1), {milliseconds left, record, ...}, generation or ''
local ttl = tonumber(ARGV[1])
local renewals = tonumber(ARGV[2])
local node, incarnation, record, generation =
  ARGV[renewals + 3], ARGV[renewals + 4], ARGV[renewals + 5], ARGV[renewals + 6]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local key = 1
local was_there, members = 0, {}

if node ~= '' then
  local before = redis.call('HGET', KEYS[1], node)
  if before then
    local expiry, which = string.match(before, '^(%d+):(%x+):')
    if expiry and tonumber(expiry) > now and which == incarnation then was_there = 1 end
  end
  local expiry = string.format('%.0f', now + ttl)
  redis.call('HSET', KEYS[1], node, expiry .. ':' .. incarnation .. ':' .. record)
  redis.call('PEXPIRE', KEYS[1], 10 * ttl)
  local all = redis.call('HGETALL', KEYS[1])
  for i = 1, #all, 2 do
    local expires, other = string.match(all[i + 1], '^(%d+):%x+:(.*)$')
    local left = expires and tonumber(expires) - now or 0
    if left > 0 then
      members[#members + 1] = left
      members[#members + 1] = other
    else
      redis.call('HDEL', KEYS[1], all[i])
    end
  end
  key = 2
  if generation ~= '' then
    redis.call('SET', KEYS[2], generation, 'NX')
    generation = redis.call('GET', KEYS[2])
    key = 3
  end
end

local states, read = {}, {}
for i = 1, renewals do
  local found = redis.call('GET', KEYS[key])
  if found == ARGV[i + 2] then
    redis.call('PEXPIRE', KEYS[key], ttl)
    found = '='
  end
  states[i] = found or ''
  key = key + 1
end
for i = key, #KEYS do
  read[#read + 1] = redis.call('GET', KEYS[i]) or ''
end
return { states, read, was_there, members, generation }
