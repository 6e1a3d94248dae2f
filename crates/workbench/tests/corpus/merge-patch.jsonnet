local claims = std.extVar('claims');
{ identity: { traits: { m: std.mergePatch({ a: 1, b: { c: 2, d: 3 } }, { b: { c: null }, sub: claims.sub }) } } }
