local claims = std.extVar('claims');
{ base:: { k: claims.sub }, identity: { traits: { k: $.base.k } } }
