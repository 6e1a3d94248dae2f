local claims = std.extVar('claims');
{ identity: { traits: { sub: claims.sub }, [if 'groups' in claims.raw_claims then 'metadata_public']: { groups: claims.raw_claims.groups } } }
