// Google: the standard claims. `hd` is the Workspace domain and is there for company accounts only; to let in one
// company alone, check it here and raise an error, because a provider's button cannot be trusted to do it.

local claims = { email_verified: false } + std.extVar('claims');
local email = if 'email' in claims then std.asciiLower(claims.email) else '';

{
  identity: {
    traits: {
      [if email != '' then 'email']: email,
      name: {
        [if 'given_name' in claims then 'first']: claims.given_name,
        [if 'family_name' in claims then 'last']: claims.family_name,
      },
    },
    verified_addresses: if email != '' && claims.email_verified then [{ via: 'email', value: email }] else [],
    metadata_public: {
      [if 'hd' in claims then 'workspace']: claims.hd,
    },
  },
}
