local claims = std.extVar('claims');
{ identity: { traits: { subject: claims.sub } } }
