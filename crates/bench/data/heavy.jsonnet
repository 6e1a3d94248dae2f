// About as much as the longest mappers that people publish: groups, roles, names, a table of departments.
local claims = std.extVar('claims');
local raw = claims.raw_claims;
local words = [word for word in std.split(std.get(claims, 'name', ''), ' ') if word != ''];
local departments = {
  sales: ['emea', 'amer', 'apac'],
  engineering: ['platform', 'product', 'quality'],
  operations: ['it', 'facilities', 'security'],
};
local team(name) = [
  { department: department, unit: unit }
  for department in std.objectFields(departments)
  for unit in departments[department]
  if std.length(std.findSubstr(unit[0], std.asciiLower(name))) > 0
];
local groups = std.set(std.get(raw, 'groups', []) + ['group-%04d' % number for number in std.range(1, 60)]);
local roles = std.foldl(
  function(found, group) found { [group[std.length(group) - 2:]]+: [group] },
  groups,
  {}
);
{
  identity: {
    traits: { email: claims.email, name: std.join(' ', words) },
    metadata_public: {
      teams: team(std.join(' ', words)),
      groups: std.length(groups),
      roles: std.objectFields(roles),
      initials: std.join('', [std.asciiUpper(word[0]) for word in words]),
    },
    metadata_admin: { digest: std.md5(std.manifestJsonEx(groups, '')) },
  },
}
