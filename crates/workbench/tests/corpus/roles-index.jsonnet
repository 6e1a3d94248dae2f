local claims = std.extVar('claims');
{ identity: { traits: { roles: std.mapWithIndex(function(i, r) '%d:%s' % [i, r], std.get(claims.raw_claims, 'roles', [])) } } }
