// Keycloak, by `provider: generic` and `issuer_url: https://<host>/realms/<realm>`. Realm roles are in the token when
// the client scope `roles` has a mapper that adds them to the ID token.

local claims = { email_verified: false } + std.extVar('claims');
local email = if 'email' in claims then std.asciiLower(claims.email) else '';
local roles = std.get(std.get(claims.raw_claims, 'realm_access', {}), 'roles', []);

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
    metadata_public: {
      // What Keycloak adds to every account says nothing.
      roles: [role for role in roles if !std.startsWith(role, 'default-roles-') && role != 'offline_access' && role != 'uma_authorization'],
    },
  },
}
