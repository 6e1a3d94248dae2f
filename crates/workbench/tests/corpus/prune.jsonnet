local claims = std.extVar('claims');
{ identity: { traits: { p: std.prune({ a: null, b: [], c: {}, d: std.get(claims, 'nickname'), e: claims.sub }) } } }
