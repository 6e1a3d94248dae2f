local claims = std.extVar('claims');
{ identity: { traits: { email: std.get(claims, 'email', '') } } }
