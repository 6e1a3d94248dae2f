local claims = std.extVar('claims');
local email = std.get(claims, 'email');
{ identity: { traits: { [if email != null then 'email']: email } } }
