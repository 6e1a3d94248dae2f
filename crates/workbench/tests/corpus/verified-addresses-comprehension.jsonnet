local claims = std.extVar('claims');
{ identity: { traits: { sub: claims.sub }, verified_addresses: [{ via: 'email', value: claims[k] } for k in ['email'] if k in claims] } }
