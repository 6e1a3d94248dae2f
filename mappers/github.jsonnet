// GitHub: not OpenID Connect, so the claims come from its user and e-mail API. The scope `user:email` is needed for
// an address; without one the claim is missing. GitHub sends one name in one piece.

local claims = { email_verified: false } + std.extVar('claims');
local email = if 'email' in claims then std.asciiLower(claims.email) else '';
local words = if 'name' in claims then [word for word in std.split(claims.name, ' ') if word != ''] else [];

{
  identity: {
    traits: {
      [if email != '' then 'email']: email,
      [if 'preferred_username' in claims then 'username']: claims.preferred_username,
      name: {
        [if std.length(words) > 0 then 'first']: words[0],
        [if std.length(words) > 1 then 'last']: std.join(' ', words[1:]),
      },
    },
    verified_addresses: if email != '' && claims.email_verified then [{ via: 'email', value: email }] else [],
  },
}
