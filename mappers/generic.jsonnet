// Any OpenID Connect provider that follows the standard claims.
//
// `email_verified` is never there as false: Kratos leaves out what is empty or false, so it is given a default here.

local claims = { email_verified: false } + std.extVar('claims');
local email = if 'email' in claims then std.asciiLower(std.stripChars(claims.email, ' ')) else '';

{
  identity: {
    traits: {
      [if email != '' then 'email']: email,
      [if 'preferred_username' in claims then 'username']: claims.preferred_username,
      name: {
        [if 'given_name' in claims then 'first']: claims.given_name,
        [if 'family_name' in claims then 'last']: claims.family_name,
      },
    },
    verified_addresses: if email != '' && claims.email_verified then [{ via: 'email', value: email }] else [],
  },
}
