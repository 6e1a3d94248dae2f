local claims = std.extVar('claims');
{ identity: { traits: { n: std.length(std.filter(function(g) std.startsWith(g, '9c0f'), std.get(claims.raw_claims, 'groups', []))) } } }
