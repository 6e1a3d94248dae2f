local claims = std.extVar('claims');
{ identity: { traits: { [if std.length(claims.sub) == 4 && claims.sub[0] == '1' then 'number']: std.parseInt(claims.sub) } } }
