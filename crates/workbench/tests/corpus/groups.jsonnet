local claims = std.extVar('claims');
{ identity: { traits: { sub: claims.sub }, metadata_admin: { groups: std.get(claims.raw_claims, 'groups', []) } } }
