local claims = std.extVar('claims');
{ identity: { traits: { [if 'email' in claims then 'domain']: std.split(claims.email, '@')[1] } } }
