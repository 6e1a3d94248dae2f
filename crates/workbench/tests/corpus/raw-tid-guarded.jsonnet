local claims = std.extVar('claims');
{ identity: { traits: { [if 'tid' in claims.raw_claims then 'tenant']: claims.raw_claims.tid } } }
