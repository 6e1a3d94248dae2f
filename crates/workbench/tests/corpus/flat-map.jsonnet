local claims = std.extVar('claims');
{ identity: { traits: { w: std.flatMap(function(x) std.split(x, ' '), std.get(claims.raw_claims, 'groups', [])), f: std.flattenArrays([[1], [2, [3]]]), c: std.count(std.get(claims.raw_claims, 'groups', []), 'Büro') } } }
