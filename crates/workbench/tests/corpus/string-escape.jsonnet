local claims = std.extVar('claims');
{ identity: { traits: { q: std.escapeStringJson(std.get(claims, 'name', '')), b: std.escapeStringBash(claims.sub), x: std.escapeStringXML(std.get(claims, 'website', '<a>')) } } }
