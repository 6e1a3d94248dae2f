local claims = std.extVar('claims');
{ identity: { traits: { iat: std.toString(std.get(claims.raw_claims, 'iat', 0)), pct: '%.1f%%' % (100 * std.get(claims.raw_claims, 'share', 0.5)), hex: '%x' % 255, pad: '%05d' % 42 } } }
