local claims = std.extVar('claims');
{ identity: { traits: { name: { [if 'given_name' in claims then 'first']: claims.given_name, [if 'family_name' in claims then 'last']: claims.family_name } } } }
