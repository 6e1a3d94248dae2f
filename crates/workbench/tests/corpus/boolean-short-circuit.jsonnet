local claims = std.extVar('claims');
{ identity: { traits: { a: 'nope' in claims && claims.nope == 1, b: true || error 'never' } } }
