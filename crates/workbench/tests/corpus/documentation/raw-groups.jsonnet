local claims = std.extVar('claims');
{ identity: { traits: { [if "groups" in claims.raw_claims then "groups" else null]: claims.raw_claims.groups } } }
