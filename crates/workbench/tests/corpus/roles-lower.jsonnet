local claims = std.extVar('claims');
{ identity: { traits: { roles: std.map(std.asciiLower, std.get(claims.raw_claims, 'roles', [])) } } }
