local claims = std.extVar('claims');
{ identity: { traits: { roles: std.foldl(function(o, r) o + { [r]: true }, std.get(claims.raw_claims, 'roles', []), {}) } } }
