local claims = std.extVar('claims');
{ identity: { traits: { days: std.floor(std.get(claims.raw_claims, 'iat', 0) / 86400), mod: 17 % 5, neg: -7 % 3, pow: std.pow(2, 10), sqrt: std.sqrt(2), max: std.max(1, 2), r: std.round(2.5) } } }
