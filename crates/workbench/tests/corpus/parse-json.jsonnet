local claims = std.extVar('claims');
{ identity: { traits: { p: std.parseJson('{"a": [1, 2.5, "x"]}').a } } }
