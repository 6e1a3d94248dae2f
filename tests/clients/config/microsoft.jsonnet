local claims = std.extVar('claims');

{
  identity: {
    traits: {
      [if 'email' in claims then 'email']: claims.email,
      [if 'name' in claims then 'name']: claims.name,
    },
    metadata_public: { tenant: claims.raw_claims.tid },
    metadata_admin: { oid: claims.raw_claims.oid },
    verified_addresses: if 'email' in claims then [{ via: 'email', value: claims.email }] else [],
  },
}
