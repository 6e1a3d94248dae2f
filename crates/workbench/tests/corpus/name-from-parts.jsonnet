local claims = std.extVar('claims');
{ identity: { traits: { name: std.join(' ', [claims[p] for p in ['given_name', 'family_name'] if p in claims]) } } }
