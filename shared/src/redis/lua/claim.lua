-- Writes leases where there is none, the same, or one of a lower epoch that is not reserved for
-- another node. May be repeated. A value is epoch:node:incarnation; a reservation has incarnation 0.
-- KEYS: leases
-- ARGV: ttl_ms, values ...
-- Answer: {'' taken, or the value in the way}
local answer = {}
for i = 1, #KEYS do
  local mine = ARGV[i + 1]
  local found = redis.call('GET', KEYS[i])
  local take = not found or found == mine
  if not take then
    local epoch, node, incarnation = string.match(found, '^(%d+):([^:]+):(%x+)$')
    local my_epoch, me = string.match(mine, '^(%d+):([^:]+):')
    -- What is no lease is in nobody's interest.
    take = not epoch
      or tonumber(epoch) < tonumber(my_epoch)
        and (node == me or not string.match(incarnation, '^0+$'))
  end
  if take then redis.call('SET', KEYS[i], mine, 'PX', ARGV[1]) end
  answer[i] = take and '' or found
end
return answer
