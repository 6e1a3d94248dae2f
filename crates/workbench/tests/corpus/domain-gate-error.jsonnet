local claims = std.extVar('claims');
local email = std.get(claims, 'email', '');
if std.endsWith(std.asciiLower(email), '@contoso.example') then { identity: { traits: { email: email } } } else error 'only contoso may sign in'
