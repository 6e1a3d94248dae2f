local claims = std.extVar('claims');
{ identity: { traits: { picture: if 'picture' in claims then claims.picture else 'https://avatars.example/' + std.md5(claims.sub) } } }
