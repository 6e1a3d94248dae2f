local claims = {
  email_verified: false,
} + std.extVar('claims');

{
  identity: {
    traits: {
      [if 'email' in claims && claims.email_verified then 'email' else null]: claims.email,
      first: claims.given_name,
      last: claims.family_name,
      [if 'hd' in claims && claims.email_verified then 'domain' else null]: claims.hd,
    },
  },
}
