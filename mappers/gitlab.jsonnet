// GitLab: the standard claims, and the groups of the person in `raw_claims.groups`. Groups go where their owner
// cannot edit them.

local claims = { email_verified: false } + std.extVar('claims');
local email = if 'email' in claims then std.asciiLower(claims.email) else '';
local words = if 'name' in claims then [word for word in std.split(claims.name, ' ') if word != ''] else [];

{
  identity: {
    traits: {
      [if email != '' then 'email']: email,
      [if 'nickname' in claims then 'username']: claims.nickname,
      name: {
        [if std.length(words) > 0 then 'first']: words[0],
        [if std.length(words) > 1 then 'last']: std.join(' ', words[1:]),
      },
    },
    verified_addresses: if email != '' && claims.email_verified then [{ via: 'email', value: email }] else [],
    metadata_public: {
      [if 'groups' in claims.raw_claims then 'groups']: claims.raw_claims.groups,
    },
  },
}
