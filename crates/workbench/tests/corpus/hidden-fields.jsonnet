local claims = std.extVar('claims');
{ helper:: claims.sub, identity: { traits: { sub: $.helper }, note:: 'not shown' } }
