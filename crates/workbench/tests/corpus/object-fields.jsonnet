local claims = std.extVar('claims');
{ identity: { traits: { fields: std.objectFields(claims.raw_claims), all: std.length(std.objectValues(claims.raw_claims)) } } }
