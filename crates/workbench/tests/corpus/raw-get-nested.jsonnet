local claims = std.extVar('claims');
{ identity: { traits: { country: std.get(std.get(claims.raw_claims, 'address', {}), 'country', 'none') } } }
