local claims = std.extVar('claims');
local text = |||
  Dear %s,
    welcome.
||| % std.get(claims, 'name', 'guest');
{ identity: { traits: { text: text } } }
