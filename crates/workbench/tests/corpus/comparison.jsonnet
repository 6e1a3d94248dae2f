local claims = std.extVar('claims');
{ identity: { traits: { s: 'a' < 'b', l: [1, 2] < [1, 3], e: { a: 1 } == { a: 1 }, n: 1 == 1.0, not: !(1 > 2), d: 'x' != claims.sub } } }
