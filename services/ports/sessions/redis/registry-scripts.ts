// What changes a user's places, each script as one atomic step. KEYS: the address's own set, then hashes; ARGV: the
// address, then for each hash how many users, and the users. A script answers with how many users the address had before
// and has after.
//
//   sessions:at:<address>   set    alice bob                        so that a dead address is forgotten without a search
//   sessions:p3             hash   alice → A          bob → A ␞ B   a user's addresses; nearly everyone has one
//
// They name no keys of their own, but the keys are in several slots: this needs one server (with replicas, as you like).

/** Between the addresses of a value, and between node and incarnation. No id has control characters. */
export const ADDRESS_SEPARATOR = '\x1e';
export const PART_SEPARATOR = '\x1f';

const EACH_HASH = `
local at, address = KEYS[1], ARGV[1]
local before = redis.call('SCARD', at)
local next = 2
for k = 2, #KEYS do
  local count = tonumber(ARGV[next])
  local first, last = next + 1, next + count
  next = last + 1
  local places = redis.call('HMGET', KEYS[k], unpack(ARGV, first, last))
  local changed = {}`;

export const REGISTER = `${EACH_HASH}
  for i = 1, count do
    local place, user = places[i], ARGV[first + i - 1]
    if not place then
      changed[#changed + 1] = user
      changed[#changed + 1] = address
    elseif not string.find('\\30' .. place .. '\\30', '\\30' .. address .. '\\30', 1, true) then
      changed[#changed + 1] = user
      changed[#changed + 1] = place .. '\\30' .. address
    end
  end
  if #changed > 0 then redis.call('HSET', KEYS[k], unpack(changed)) end
  redis.call('SADD', at, unpack(ARGV, first, last))
end
return {before, redis.call('SCARD', at)}`;

export const UNREGISTER = `${EACH_HASH}
  local gone = {}
  for i = 1, count do
    local place, user = places[i], ARGV[first + i - 1]
    if place == address then
      gone[#gone + 1] = user
    elseif place then
      local others = {}
      for other in string.gmatch(place, '[^\\30]+') do
        if other ~= address then others[#others + 1] = other end
      end
      changed[#changed + 1] = user
      changed[#changed + 1] = table.concat(others, '\\30')
    end
  end
  if #gone > 0 then redis.call('HDEL', KEYS[k], unpack(gone)) end
  if #changed > 0 then redis.call('HSET', KEYS[k], unpack(changed)) end
  redis.call('SREM', at, unpack(ARGV, first, last))
end
return {before, redis.call('SCARD', at)}`;
