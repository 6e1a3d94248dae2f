local claims = std.extVar('claims');
local identity = std.extVar('identity');
local existing = std.get(identity, 'metadata_public', {});
{ identity: { traits: { sub: claims.sub }, metadata_public: existing + { seen: true } } }
