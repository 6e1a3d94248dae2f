local claims = std.extVar('claims');
{ identity: { traits: { left: std.objectFields(std.objectRemoveKey(claims, 'raw_claims')) } } }
