// Microsoft Entra ID, one tenant: makes a person of what the ID token says.
//
// E-mail: anybody who administers some other tenant can write any address into it. An address counts as the
// person's own only when Entra says that its domain is verified (`xms_edov`, an optional claim to add in the app
// registration under "Token configuration"). `trust_tenant` says the same of every member of your tenant: set it
// to your tenant's id when nobody but your administrators can set addresses there.

local trust_tenant = '';

local claims = std.extVar('claims');
local raw = claims.raw_claims;

local email = if 'email' in claims then std.asciiLower(std.stripChars(claims.email, ' ')) else '';

// Entra sends true, 1, "1" or "true", depending on the kind of account.
local domain_verified = 'xms_edov' in raw && std.member(['true', '1'], std.asciiLower(std.toString(raw.xms_edov)));
local member_of_trusted_tenant =
  trust_tenant != '' &&
    std.get(raw, 'tid', '') == trust_tenant &&
    std.toString(std.get(raw, 'acct', 0)) == '0' &&
    !('idp' in raw);

local proven = email != '' && (domain_verified || member_of_trusted_tenant);

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
    // Only what is listed here is marked as verified.
    verified_addresses: if proven then [{ via: 'email', value: email }] else [],
    // Readable by the person, changed only by you.
    metadata_public: {
      [if 'roles' in raw then 'roles']: raw.roles,
    },
    // For your back ends: which account this is, for ever and across name changes.
    metadata_admin: {
      [if 'tid' in raw then 'tenant']: raw.tid,
      [if 'oid' in claims then 'oid']: claims.oid,
    },
  },
}
