local claims = std.extVar('claims');
local email = std.get(claims, 'email', '');
{ identity: { traits: { email: email } }, deny: if !std.endsWith(email, '@fabrikam.example') then { reason: 'Only for Fabrikam' } }
