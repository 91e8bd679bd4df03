import { WIDE_NUMBERS_SOURCE } from './wide-numbers.ts';

/** The name under which the error handler knows the prelude's own functions, which it passes over. */
export const PRELUDE = '@prelude';

/**
 * Runs once in each new state, before any script: builds what scripts see from the plain libraries and the host's
 * functions. Scripts get an empty environment that looks names up in tables they can neither reach nor change, so that
 * nothing a script does is seen by the next one. Returns the environment, the table of its names, the error handler, and a
 * function that lets the environment show only what a library may use while it is loaded, or all again.
 */
export const PRELUDE_SOURCE = `
local host = ...
local G, error, type, next, rawset, rawget = _G, error, type, next, rawset, rawget
local getinfo, setmetatable, byte, tostring = debug.getinfo, setmetatable, string.byte, tostring
local loadstring, load, plainpairs, ipairs = loadstring, load, pairs, ipairs
local getmetatable, pcall = getmetatable, pcall
local real = setmetatable({}, { __mode = 'k' })
local READONLY = 'Attempt to modify a readonly table'
local function refuse() error(READONLY, 2) end
local framed, gsub, select = host.framed, string.gsub, select
-- Raises what the library complained of as if the script had called the library itself: this function was called by one
-- of those below, and that by its frame, which the script has called. What a method is called on is no argument of it.
local function complain(name, ok, ...)
  if ok then return ... end
  local text = gsub(..., "'%?'", "'" .. name .. "'")
  local frame = getinfo(3, 'n')
  if frame and frame.namewhat == 'method' then
    text = gsub(text, '^bad argument #(%d+)', function(at) return 'bad argument #' .. at - 1 end)
  end
  error(text, 4)
end
${WIDE_NUMBERS_SOURCE}
G.math.random, G.math.randomseed = host.random.random, host.random.randomseed
G.redis, G.cjson, G.cmsgpack, G.struct, G.bit = host.redis, host.cjson, host.cmsgpack, host.struct, host.bit
-- As Redis since 7.2.11: newproxy runs code while garbage is collected, setfenv changes what scripts share.
for _, name in ipairs { 'dofile', 'loadfile', 'print', 'newproxy', 'getfenv', 'setfenv', 'debug', 'require', 'module' } do
  G[name] = nil
end

local function protect(t)
  local proxy, meta = {}, { __index = t, __newindex = refuse }
  real[proxy] = t
  meta.__metatable = setmetatable({}, { __index = meta, __newindex = refuse, __metatable = false })
  real[meta.__metatable] = meta
  return setmetatable(proxy, meta), meta
end

-- What the library itself would refuse it is asked for behind pcall, so that it is refused at the script's line.
G.next = framed(function(...)
  local t, k = ...
  if type(t) ~= 'table' then return complain('next', pcall(next, ...)) end
  return next(real[t] or t, k)
end)
G.pairs = framed(function(...)
  local t = ...
  if type(t) ~= 'table' then return complain('pairs', pcall(plainpairs, ...)) end
  local inner = real[t]
  if inner == nil then return plainpairs(t) end
  return function(_, k) return next(inner, k) end, t, nil
end)
G.rawset = framed(function(...)
  local t, k, v = ...
  if real[t] then error(READONLY, 0) end
  if type(t) ~= 'table' or select('#', ...) < 3 then return complain('rawset', pcall(rawset, ...)) end
  return rawset(t, k, v)
end)
G.setmetatable = framed(function(...)
  if real[...] then error(READONLY, 0) end
  return complain('setmetatable', pcall(setmetatable, ...))
end)
G.rawget = framed(function(...)
  local t, k = ...
  if type(t) ~= 'table' or select('#', ...) < 2 then return complain('rawget', pcall(rawget, ...)) end
  return rawget(real[t] or t, k)
end)
-- As before Redis 7: whoever catches an error of a command sees its text.
local function caught(ok, e, ...)
  if ok or type(e) ~= 'table' then return ok, e, ... end
  local text = e.err
  if type(text) == 'string' or type(text) == 'number' then return ok, text end
  return ok, e
end
function G.pcall(...)
  if select('#', ...) == 0 then return false end
  return caught(pcall(...))
end
G.loadstring = framed(function(...)
  local code = ...
  if type(code) == 'string' and byte(code) == 27 then return nil, 'bytecode is not allowed' end
  return complain('loadstring', pcall(loadstring, ...))
end)
G.load = framed(function(...)
  local reader, name = ...
  if type(reader) ~= 'function' then return complain('load', pcall(load, ...)) end
  local first = true
  return load(function()
    local piece = reader()
    if first and type(piece) == 'string' and piece ~= '' then
      first = false
      if byte(piece) == 27 then error('bytecode is not allowed') end
    end
    return piece
  end, name)
end)
local insert = G.table.insert
G.table.insert = framed(function(...)
  local t, value = ...
  if real[t] then error(READONLY, 0) end
  if type(t) == 'table' and select('#', ...) == 2 then return insert(t, value) end
  return complain('insert', pcall(insert, ...))
end)

local function closed(names)
  return setmetatable(names, {
    __index = function(_, name)
      error("Script attempted to access nonexistent global variable '" .. tostring(name) .. "'", 2)
    end,
  })
end
local library = { redis = protect(closed(host.library)) }

for _, name in ipairs { 'string', 'table', 'math', 'coroutine', 'redis', 'cjson', 'cmsgpack', 'struct', 'bit' } do
  G[name] = protect(G[name])
end
local strings = getmetatable('')
strings.__index = G.string
strings.__metatable = { __index = G.string }
real[strings.__metatable] = strings.__metatable

local names = {}
for k, v in plainpairs(G) do names[k] = v end
for k in plainpairs(names) do G[k] = nil end
closed(names)
closed(library)
local env, meta = protect(names)
names._G = env

local function handler(err)
  local level = 2
  local info = getinfo(level, 'Sl')
  -- Who called one of these functions last of all has left nothing but the mark of a tail call.
  while info and (info.what == 'C' or info.what == 'tail' or info.source == '${PRELUDE}') do
    level = level + 1
    info = getinfo(level, 'Sl')
  end
  if type(err) ~= 'table' then err = { err = 'ERR ' .. tostring(err) } end
  if info then
    rawset(err, 'source', info.source)
    rawset(err, 'line', info.currentline)
  end
  return err
end
names.__redis__err__handler = handler
local function loading(on) meta.__index = on and library or names end
return env, names, handler, loading
`;
