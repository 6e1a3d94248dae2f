local claims = std.extVar('claims');
{ identity: { traits: { label: '%s <%s>' % [std.get(claims, 'name', '?'), std.get(claims, 'email', '?')] } } }
