local claims = std.extVar('claims');
{ identity: { traits: { [if 'email' in claims then 'email']: claims.email }, verified_addresses: std.prune([if 'email' in claims && std.get(claims, 'email_verified', false) then { via: 'email', value: claims.email }]) } }
