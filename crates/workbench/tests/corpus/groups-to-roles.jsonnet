local claims = std.extVar('claims');
local map = { '9c0ffee0-0000-4000-8000-000000000001': 'engineer', 'Büro': 'office' };
{ identity: { traits: { sub: claims.sub }, metadata_public: { roles: std.set([map[g] for g in std.get(claims.raw_claims, 'groups', []) if g in map]) } } }
