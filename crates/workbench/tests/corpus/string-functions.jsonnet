local claims = std.extVar('claims');
local n = std.get(claims, 'name', 'no name');
{ identity: { traits: { up: std.asciiUpper(n), len: std.length(n), chars: std.stringChars(n)[0], cp: std.codepoint(n[0]), trim: std.stripChars('  x ', ' '), rep: std.strReplace(n, ' ', '_'), find: std.findSubstr(' ', n), empty: std.isEmpty(n) } } }
