// Microsoft Entra ID for several companies: `microsoft_tenant: organizations` or `common`.
//
// Here no tenant is trusted as such: with `common`, a stranger's tenant can hold anybody's address. Only Entra's own
// word about the domain (`xms_edov`) makes an address count as proven. Restrict who may come with
// `microsoft.allowed_tenants`, not here: a mapper runs after somebody was let in.

local personal_accounts = '9188040d-6c67-4c5b-b112-36a304b66dad';

local claims = std.extVar('claims');
local raw = claims.raw_claims;
local tenant = std.get(raw, 'tid', '');

local email = if 'email' in claims then std.asciiLower(std.stripChars(claims.email, ' ')) else '';
local domain_verified = 'xms_edov' in raw && std.member(['true', '1'], std.asciiLower(std.toString(raw.xms_edov)));

// A guest's home is elsewhere: `idp` names who signed the person in.
local is_guest = std.toString(std.get(raw, 'acct', 0)) == '1' || 'idp' in raw;

// `given_name` and `family_name` are optional claims; without them there is one name in one piece.
local words = if 'name' in claims then [word for word in std.split(claims.name, ' ') if word != ''] else [];
local name = if 'given_name' in claims || 'family_name' in claims then {
  [if 'given_name' in claims then 'first']: claims.given_name,
  [if 'family_name' in claims then 'last']: claims.family_name,
} else {
  [if std.length(words) > 0 then 'first']: words[0],
  [if std.length(words) > 1 then 'last']: std.join(' ', words[1:]),
};

{
  identity: {
    traits: {
      [if email != '' then 'email']: email,
      [if 'preferred_username' in claims then 'username']: claims.preferred_username,
      name: name,
    },
    verified_addresses: if email != '' && domain_verified then [{ via: 'email', value: email }] else [],
    metadata_public: {
      account: if tenant == personal_accounts then 'personal' else if is_guest then 'guest' else 'member',
    },
    metadata_admin: {
      [if tenant != '' then 'tenant']: tenant,
      [if 'oid' in claims then 'oid']: claims.oid,
    },
  },
}
