local claims = std.extVar('claims');

if std.length(claims.sub) == 0 then
  error 'no subject'
else
  {
    identity: {
      traits: {
        // nothing
      },
    },
  }
