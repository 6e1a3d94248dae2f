local claims = std.extVar('claims');
{ identity: { traits: { b: std.base64(claims.iss), d: std.base64Decode('YWJj') } } }
