local claims = std.extVar('claims');
{ identity: { traits: { t: [std.type(claims[k]) for k in std.objectFields(claims)] } } }
