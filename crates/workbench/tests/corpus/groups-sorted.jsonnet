local claims = std.extVar('claims');
{ identity: { traits: { g: std.sort(std.get(claims.raw_claims, 'groups', [])), u: std.uniq(std.sort(std.get(claims.raw_claims, 'groups', []))), r: std.reverse(std.get(claims.raw_claims, 'groups', [])) } } }
