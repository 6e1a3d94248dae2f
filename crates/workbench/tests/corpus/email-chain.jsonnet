local claims = std.extVar('claims');
{ identity: { traits: { login: if 'preferred_username' in claims then claims.preferred_username else if 'email' in claims then claims.email else claims.sub } } }
