-- Asks Bia who sends a request, before HAProxy passes it on to an application.
--
-- `http-request lua.bia` sets `txn.bia_signed_in` when somebody is signed in, and for each header that Bia's answer
-- carries a variable: X-User-Id is `txn.bia_x_user_id`. If Bia cannot be asked, nobody is signed in.

-- Bia's public port, and the headers that the application gets.
local address = "127.0.0.1:4433"
local wanted = { "X-User-Id", "X-User-Email", "X-User-Roles" }

-- What may show a session. Nothing else of a visitor's request is Bia's concern here.
local credentials = { "cookie", "authorization", "x-session-token" }

local function variable(header)
  return "txn.bia_" .. header:lower():gsub("-", "_")
end

core.register_action("bia", { "http-req" }, function(txn)
  local received = txn.http:req_get_headers()
  local headers = { ["accept"] = { "application/json" } }
  for _, name in ipairs(credentials) do
    if received[name] then
      headers[name] = {}
      -- HAProxy counts from 0.
      for at = 0, #received[name] do
        table.insert(headers[name], received[name][at])
      end
    end
  end
  local answer = core.httpclient():get({
    url = "http://" .. address .. "/sessions/whoami",
    headers = headers,
    timeout = 5000,
  })
  if not answer or answer.status ~= 200 then
    return
  end
  txn:set_var("txn.bia_signed_in", true)
  for _, name in ipairs(wanted) do
    local values = answer.headers[name:lower()]
    if values and values[0] then
      txn:set_var(variable(name), values[0])
    end
  end
end)
