local claims = std.extVar('claims');
{ identity: { traits: { 'é': 1, z: 2, 'ä': 3, A: 4, '山': 5, '😀': 6, '': 7 } } }
