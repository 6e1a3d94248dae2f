local claims = std.extVar('claims');
{ identity: { traits: { roles: { [r]: std.length(r) for r in std.get(claims.raw_claims, 'roles', []) } } } }
