local claims = std.extVar('claims');
local identity = std.extVar('identity');

// What the person typed wins.
local name = std.get(identity.traits, "name", std.get(claims, "name", ""));

{
  identity: {
    traits: {
      email: claims.email,
      [if name != "" then "name" else null]: name,
      [if "groups" in claims.raw_claims then "groups" else null]:
        claims.raw_claims.groups,
    },
    metadata_admin: {
      [if "tid" in claims.raw_claims then "tenant" else null]:
        claims.raw_claims.tid,
    },
  },
}
