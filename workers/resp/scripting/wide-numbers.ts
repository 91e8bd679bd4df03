/**
 * Lua's libraries are compiled for a machine whose integers have 32 bits: `string.format('%d', 2^40)` or `('abc'):sub(1, 2^40)`
 * would not be what Redis's give, which have 64. This part of the prelude puts functions in their place that are right about
 * large numbers and leave small ones to the library.
 */
export const WIDE_NUMBERS_SOURCE = `
local format, sub, find, gmatch = string.format, string.sub, string.find, string.gmatch
local rep, upper = string.rep, string.upper
local floor, min, unpack, tonumber = math.floor, math.min, unpack, tonumber
local HALF, LAST = 2 ^ 32, 2 ^ 31 - 1

-- The digits of a number below 2^64, given in two halves.
local function digits(high, low, base)
  local text = ''
  repeat
    low = (high % base) * HALF + low
    high = floor(high / base)
    text = format('%x', low % base) .. text
    low = floor(low / base)
  until high == 0 and low == 0
  return text
end

-- A number as C casts it to 64 bits: nothing left of the point, and what does not fit is the least there is.
local function cast(value)
  if not (value >= -2 ^ 63 and value < 2 ^ 64) then return -2 ^ 63 end
  return value < 0 and -floor(-value) or floor(value)
end

local BASES = { o = 8, x = 16, X = 16 }
-- An integer of more than 32 bits as C prints one.
local function printed(flags, width, precision, kind, value)
  local signed = kind == 'd' or kind == 'i'
  value = cast(value)
  if signed and value >= 2 ^ 63 then value = -2 ^ 63 end
  local negative = signed and value < 0
  if negative then value = -value end
  local text = digits(floor(value / HALF) % HALF, value % HALF, BASES[kind] or 10)
  local sign = negative and '-' or signed and (find(flags, '+', 1, true) and '+' or find(flags, ' ', 1, true) and ' ') or ''
  if find(flags, '#', 1, true) and BASES[kind] then sign = kind == 'o' and '0' or '0' .. kind end
  if kind == 'X' then text = upper(text) end
  local left, zeros = find(flags, '-', 1, true), (tonumber(sub(precision, 2)) or 0) - #text
  if precision == '' and not left and find(flags, '0', 1, true) then zeros = (tonumber(width) or 0) - #text - #sign end
  text = sign .. rep('0', zeros) .. text
  local blanks = rep(' ', (tonumber(width) or 0) - #text)
  return left and text .. blanks or blanks .. text
end

-- Whether the library might be wrong about an argument: numbers in strings are looked at when they are long.
local function isWide(value)
  if type(value) == 'number' then return not (value >= 0 and value < HALF / 2) end
  return type(value) == 'string' and (#value > 9 or byte(value) == 45)
end
local anyWide
function anyWide(value, ...)
  return isWide(value) or (select('#', ...) > 0 and anyWide(...))
end

string.format = framed(function(pattern, ...)
  if type(pattern) == 'string' and anyWide(...) and find(pattern, '%%[-+ #0-9.]*[diouxX]') then
    local args, count, at = { ... }, select('#', ...), 0
    pattern = gsub(pattern, '%%([-+ #0]*)(%d*)(%.?%d*)(.)', function(flags, width, precision, kind)
      if kind == '%' then return nil end
      at = at + 1
      local value = find(kind, '[diouxX]') and tonumber(args[at])
      if not value or #width > 2 or #precision > 3 then return nil end
      if value < HALF / 2 and (value >= 0 or value >= -HALF / 2 and (kind == 'd' or kind == 'i')) then return nil end
      args[at] = printed(flags, width, precision, kind, value)
      return '%s'
    end)
    return complain('format', pcall(format, pattern, unpack(args, 1, count)))
  end
  return complain('format', pcall(format, pattern, ...))
end)

local function near(position)
  if position > LAST then return LAST end
  return position < -LAST and -LAST or position
end
string.sub = framed(function(text, from, to)
  if type(text) ~= 'string' or type(from) ~= 'number' or (to ~= nil and type(to) ~= 'number') then
    return complain('sub', pcall(sub, text, from, to))
  end
  return sub(text, near(from), near(to or -1))
end)

G.tonumber = framed(function(value, base)
  if base == nil then return tonumber(value) end
  local number = complain('tonumber', pcall(tonumber, value, base))
  -- More than 32 bits come out as the most that these hold, and negative numbers as if taken from there.
  local minus = find(value, '^%s*%-')
  if not number or (number ~= HALF - 1 and not minus) then return number end
  number = 0
  for digit in gmatch(gsub(value, '^%s*[-+]?0[xX]', ''), '%w') do number = number * base + tonumber(digit, 36) end
  return minus and 2 ^ 64 - number or min(number, 2 ^ 64)
end)
`;
