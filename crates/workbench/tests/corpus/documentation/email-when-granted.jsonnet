local claims = std.extVar('claims');
{
  identity: {
    traits: {
      // Without the scope there is none.
      [if "email" in claims then "email" else null]: claims.email,
    },
  },
}
