local claims = std.extVar('claims');
{ identity: { traits: { staff: std.member(std.get(claims.raw_claims, 'groups', []), 'Büro') } } }
