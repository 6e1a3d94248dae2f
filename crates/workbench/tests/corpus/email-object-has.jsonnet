local claims = std.extVar('claims');
{ identity: { traits: { [if std.objectHas(claims, 'email') then 'email']: claims.email } } }
