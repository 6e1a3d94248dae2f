local claims = std.extVar('claims');
{
  identity: {
    traits: {
      [if 'sub' in claims then 'subject' else null]: claims.sub,
      [if 'name' in claims then 'name' else null]: {
        full: claims.name,
        [if 'given_name' in claims then 'first' else null]: claims.given_name,
        [if 'family_name' in claims then 'last' else null]: claims.family_name,
      },
      [if 'phone_number' in claims then 'phone' else null]: claims.phone_number,
      [if 'gender' in claims then 'gender' else null]: claims.gender,
    },
  },
}
