local claims = std.extVar('claims');
assert std.get(claims, 'hd', '') == 'fabrikam.example' : 'wrong domain';
{ identity: { traits: { email: claims.email } } }
