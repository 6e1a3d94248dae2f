// Microsoft Entra ID: groups become roles of your own.
//
// Add the `groups` claim in the app registration ("Token configuration"); `roles_of_group` says which group gives
// which role. Groups are named by their object id, because anybody may rename a group.
//
// Roles go to `metadata_public`, which a person can read and only you can change. In `traits` everybody could edit
// them in the settings flow.
//
// A person of more than 200 groups has none in the token. With `microsoft.groups.on_overage: graph` they are read
// from Graph and stand here all the same; without it the roles of the last sign-in stay as they are.

local roles_of_group = {
  '9c0ffee0-0000-4000-8000-000000000000': ['employee'],
  '9c0ffee0-0000-4000-8000-000000000001': ['employee', 'engineer'],
};

local claims = std.extVar('claims');
local identity = std.extVar('identity');
local raw = claims.raw_claims;

local graph = std.get(claims, 'graph', {});
local groups_are_known = 'groups' in raw || !('_claim_names' in raw || std.get(graph, 'groups_missing', false));
local roles = if groups_are_known
then std.set(std.flatMap(function(group) std.get(roles_of_group, group, []), std.get(raw, 'groups', [])))
else std.get(identity.metadata_public, 'roles', []);

local email = if 'email' in claims then std.asciiLower(std.stripChars(claims.email, ' ')) else '';
local domain_verified = 'xms_edov' in raw && std.member(['true', '1'], std.asciiLower(std.toString(raw.xms_edov)));

{
  identity: {
    traits: {
      [if email != '' then 'email']: email,
      [if 'preferred_username' in claims then 'username']: claims.preferred_username,
    },
    verified_addresses: if email != '' && domain_verified then [{ via: 'email', value: email }] else [],
    metadata_public: {
      roles: roles,
    },
    metadata_admin: {
      [if 'tid' in raw then 'tenant']: raw.tid,
      [if 'oid' in claims then 'oid']: claims.oid,
      groups_are_known: groups_are_known,
    },
  },
}
