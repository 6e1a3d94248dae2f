local claims = std.extVar('claims');
{ identity: { traits: { label: '%(sub)s from %(iss)s' % claims } } }
