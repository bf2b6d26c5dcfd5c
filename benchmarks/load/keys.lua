-- GET runs(key) by random key. arguments: file of keys
local keys = {}
function init(args)
  for line in io.lines(args[1]) do keys[#keys + 1] = line end
  math.randomseed(os.time() + (tonumber(tostring(keys):match("0x(%x+)"), 16) or 0) % 100000)
end
function request()
  return wrk.format("GET", "/runs(" .. keys[math.random(#keys)] .. ")")
end
