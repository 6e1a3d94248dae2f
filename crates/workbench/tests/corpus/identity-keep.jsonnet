local claims = std.extVar('claims'), identity = std.extVar('identity');
{ identity: { traits: { sub: claims.sub }, metadata_public: identity.metadata_public + { seen: true } } }
