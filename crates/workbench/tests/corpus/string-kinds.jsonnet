local claims = std.extVar('claims');
{ identity: { traits: { a: @'C:\dir', b: "it's", c: 'say "x"', d: '\u00e9\n' } } }
