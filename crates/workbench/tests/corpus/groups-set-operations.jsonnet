local claims = std.extVar('claims');
local g = std.set(std.get(claims.raw_claims, 'groups', []));
{ identity: { traits: { i: std.setInter(g, ['Büro']), d: std.setDiff(g, ['Büro']), u: std.setUnion(g, ['new']), m: std.setMember('Büro', g) } } }
