local claims = std.extVar('claims');
local l = std.splitLimit(std.get(claims, 'locale', 'en'), '-', 1);
{ identity: { traits: { language: l[0], [if std.length(l) > 1 then 'country']: l[1] } } }
