local claims = std.extVar('claims');
{
  identity: {
    traits: {
      [if 'email' in claims then 'email' else null]: claims.email,
      email: claims.email,
      [if 'name' in claims then 'first_name' else null]: claims.name,
    },
  },
}
