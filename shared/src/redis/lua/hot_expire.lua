-- Sets how long a session's hot keys live from now, unless a later epoch wrote them or the session
-- has ended.
-- KEYS: fence, meta, players, connections, combat, state, queue
-- ARGV: epoch, 'ended' or '', milliseconds for each of the six ('' leaves it)
-- Answer: 1 done, 0 fenced
local fence = redis.call('GET', KEYS[1])
if fence then
  local epoch, ended = string.match(fence, '^(%d+)( ?%a*)$')
  if ended ~= '' or tonumber(epoch) > tonumber(ARGV[1]) then return 0 end
end
if ARGV[2] ~= '' then
  redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. ARGV[2], 'PX', 3600 * 1000)
end
for i = 1, 6 do
  if ARGV[i + 2] ~= '' then redis.call('PEXPIRE', KEYS[i + 1], ARGV[i + 2]) end
end
return 1
