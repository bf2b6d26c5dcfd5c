-- POST runs with a random key. arguments: key of a process
local process
local headers = {["Content-Type"] = "application/json"}
local body = '{"id":"%08x-%04x-4%03x-8%03x-%08x%04x","displayName":"posted run","startDateTime":"2024-01-01T00:00:00Z",'
  .. '"endDateTime":"2024-01-01T01:00:00Z","status":"posted","processId":"%s","statistics":"{}"}'
function init(args)
  process = args[1]
  math.randomseed(os.time() + (tonumber(tostring(headers):match("0x(%x+)"), 16) or 0) % 1000000)
end
function request()
  local r = math.random
  return wrk.format("POST", "/runs", headers, string.format(
    body, r(0, 0xffffffff), r(0, 0xffff), r(0, 0xfff), r(0, 0xfff), r(0, 0xffffffff), r(0, 0xffff), process))
end
