local claims = std.extVar('claims');
if !('email' in claims) then error 'the provider sent no e-mail address' else { identity: { traits: { email: claims.email } } }
