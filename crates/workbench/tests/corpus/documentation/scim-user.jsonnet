local scim = std.extVar('scim');
local identity = std.extVar('identity');
{
  identity: {
    traits: {
      email: scim.userName,
      [if "name" in scim then "name" else null]: {
        first: std.get(scim.name, 'givenName', ''),
        last: std.get(scim.name, 'familyName', ''),
      },
    },
    metadata_public: std.get(identity, 'metadata_public', {}) + {
      // nothing of its own
    },
    metadata_admin: std.get(identity, 'metadata_admin', {}) + {},
  },
}
