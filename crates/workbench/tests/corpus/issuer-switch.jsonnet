local claims = std.extVar('claims');
local by = { 'https://accounts.google.com': 'google', 'https://id.example': 'generic' };
{ identity: { traits: { via: std.get(by, claims.iss, 'other') } } }
