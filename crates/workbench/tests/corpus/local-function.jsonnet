local claims = std.extVar('claims');
local pick(names) = local found = [claims[n] for n in names if n in claims]; if std.length(found) > 0 then found[0] else null;
{ identity: { traits: { [if pick(['nickname', 'name']) != null then 'display']: pick(['nickname', 'name']) } } }
