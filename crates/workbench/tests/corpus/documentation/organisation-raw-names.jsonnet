local claims = std.extVar('claims');
{
  identity: {
    traits: {
      email: claims.email,
      [if std.objectHas(claims, "raw_claims") && std.objectHas(claims.raw_claims, "name") then "first" else null]: claims.raw_claims.name,
      [if std.objectHas(claims, "raw_claims") && std.objectHas(claims.raw_claims, "surname") then "last" else null]: claims.raw_claims.surname,
    },
  },
}
