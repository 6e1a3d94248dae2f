local claims = {
  email_verified: false,
} + std.extVar('claims');

{
  identity: {
    traits: {
      // Only an address that the provider vouches for.
      [if 'email' in claims && claims.email_verified then 'email' else null]: claims.email,
    },
  },
}
