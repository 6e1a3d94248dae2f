local claims = std.extVar('claims');
{ identity: { traits: { tenant: claims.raw_claims.tid } } }
