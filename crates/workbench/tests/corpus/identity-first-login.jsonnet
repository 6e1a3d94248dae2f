local identity = std.extVar('identity');
{ identity: { traits: { new: std.length(std.objectFields(identity.traits)) == 0 } } }
