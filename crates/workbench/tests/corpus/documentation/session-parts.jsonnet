local claims = std.extVar('claims');
local session = std.extVar('session');
{
  claims: {
    foo: "baz",
    sub: "is overwritten",
    aal: session.authenticator_assurance_level,
    expires: std.get(claims, 'exp', 0),
    // and so on
  },
}
