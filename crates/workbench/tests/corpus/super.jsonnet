local claims = std.extVar('claims');
({ identity: { traits: { a: 1 } } } + { identity+: { traits+: { b: super.a + 1, sub: claims.sub } } })
