local claims = std.extVar('claims');
{ identity: { traits: { [if 'email' in claims then 'username']: std.split(claims.email, '@')[0] } } }
