local claims = std.extVar('claims');
{ identity: { traits: { hash: std.md5(claims.sub), sha: std.sha256(claims.sub), short: std.substr(std.md5(claims.iss), 0, 8) } } }
