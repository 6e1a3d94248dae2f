local claims = std.extVar('claims');
{ identity: { traits: { r: std.range(1, 5), s: std.range(0, 9)[2:8:3], m: std.makeArray(3, function(i) i * i), rep: std.repeat('ab', 3) } } }
