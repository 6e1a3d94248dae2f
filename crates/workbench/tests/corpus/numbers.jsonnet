local claims = std.extVar('claims');
{ identity: { traits: { n: std.get(claims.raw_claims, 'n', 0), f: std.get(claims.raw_claims, 'f', 0.5), share: std.get(claims.raw_claims, 'share', 1), e: std.get(claims.raw_claims, 'e', 1), z: std.get(claims.raw_claims, 'neg', 1) } } }
