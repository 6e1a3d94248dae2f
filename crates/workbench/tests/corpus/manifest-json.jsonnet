local claims = std.extVar('claims');
{ identity: { traits: { j: std.manifestJsonMinified({ b: [1, true, null], a: claims.sub }), y: std.manifestYamlDoc({ a: [1, 'x'], b: { c: claims.sub } }) } } }
