local claims = std.extVar('claims');
{ local email = std.get(claims, 'email', ''), identity: { traits: { email: email, initials: self.email[0:2] } } }
