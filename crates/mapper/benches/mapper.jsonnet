local claims = std.extVar('claims');
local raw = claims.raw_claims;
local email = std.get(claims, 'email', null);
local groups = std.get(raw, 'groups', []);
local staff = ['9c0ffee0-0000-4000-8000-000000000003', '9c0ffee0-0000-4000-8000-000000000017'];
local domain = if email != null then std.split(email, '@')[1] else '';

assert std.objectHas(raw, 'tid') : 'not a token of Microsoft';

{
  identity: {
    traits: {
      [if email != null then 'email']: std.asciiLower(email),
      [if std.objectHas(claims, 'name') then 'name']: claims.name,
      username: '%s@%s' % [std.substr(claims.oid, 0, 8), domain],
    },
    metadata_public: {
      tenant: raw.tid,
      roles: std.set(std.get(raw, 'roles', []) + (if std.length([g for g in groups if std.member(staff, g)]) > 0 then ['Staff'] else [])),
    },
    metadata_admin: {
      groups: std.filter(function(group) std.member(staff, group), groups),
    },
    [if std.get(raw, 'xms_edov', false) && email != null then 'verified_addresses']: [{ via: 'email', value: email }],
  },
}
