local claims = std.extVar('claims');
{ identity: { traits: { [if 'updated_at' in claims then 'updated']: claims.updated_at, recent: std.get(claims, 'updated_at', 0) > 1600000000 } } }
