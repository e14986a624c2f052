-- Replaces a session's hot keys, unless a later epoch wrote them or the session has ended.
-- KEYS: fence, meta, players, connections, combat, state, queue
-- ARGV: epoch, then for each of the six a count and so many arguments; hashes as field, value
-- Answer: 1 written, 0 fenced
local HOUR = 3600 * 1000
local TTL = { 24 * HOUR, HOUR, HOUR / 12, HOUR, 24 * HOUR, HOUR }
local COMMAND = { 'HSET', 'SADD', 'HSET', 'HSET', 'HSET', 'RPUSH' }
-- Arguments of one command: Lua's stack holds some 8,000. Even, since hashes come in pairs.
local CHUNK = 2000

local fence = redis.call('GET', KEYS[1])
if fence then
  local epoch, ended = string.match(fence, '^(%d+)( ?%a*)$')
  if ended ~= '' or tonumber(epoch) > tonumber(ARGV[1]) then return 0 end
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', 24 * HOUR)
local at = 2
for i = 1, 6 do
  local key, count = KEYS[i + 1], tonumber(ARGV[at])
  redis.call('DEL', key)
  for from = at + 1, at + count, CHUNK do
    local to = math.min(from + CHUNK - 1, at + count)
    redis.call(COMMAND[i], key, unpack(ARGV, from, to))
  end
  if count > 0 then redis.call('PEXPIRE', key, TTL[i]) end
  at = at + count + 1
end
return 1
