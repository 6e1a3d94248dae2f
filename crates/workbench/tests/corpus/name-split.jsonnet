local claims = std.extVar('claims');
local parts = std.split(std.get(claims, 'name', ''), ' ');
{ identity: { traits: { first: parts[0], last: std.join(' ', parts[1:]) } } }
