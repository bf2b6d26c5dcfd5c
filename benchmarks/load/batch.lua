-- JSON $batch of 20 GETs by random key. arguments: file of keys
local keys = {}
local headers = {["Content-Type"] = "application/json", ["Accept"] = "application/json"}
function init(args)
  for line in io.lines(args[1]) do keys[#keys + 1] = line end
  math.randomseed(os.time() + (tonumber(tostring(keys):match("0x(%x+)"), 16) or 0) % 100000)
end
function request()
  local parts = {}
  for at = 1, 20 do
    parts[at] = string.format('{"id":"%d","method":"GET","url":"runs(%s)"}', at, keys[math.random(#keys)])
  end
  return wrk.format("POST", "/$batch", headers, '{"requests":[' .. table.concat(parts, ",") .. "]}")
end
