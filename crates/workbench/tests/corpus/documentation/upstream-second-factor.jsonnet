local claims = std.extVar('claims');
{ identity: { traits: { acr: std.get(claims.raw_claims, 'acr', '0'), amr: std.get(claims.raw_claims, 'amr', []) } } }
