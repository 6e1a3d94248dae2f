local claims = std.extVar('claims');
{ identity: { traits: { [if 'phone_number' in claims then 'phone']: std.join('', [c for c in std.stringChars(claims.phone_number) if c == '+' || (c >= '0' && c <= '9')]) } } }
