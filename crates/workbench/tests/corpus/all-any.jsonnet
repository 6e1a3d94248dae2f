local claims = std.extVar('claims');
local r = std.get(claims.raw_claims, 'roles', []);
{ identity: { traits: { all: std.all([std.length(x) > 3 for x in r]), any: std.any([x == 'Admin' for x in r]), sum: std.sum([std.length(x) for x in r]), has: std.contains(r, 'Reader') } } }
