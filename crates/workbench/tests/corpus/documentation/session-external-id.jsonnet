local claims = std.extVar('claims');
local session = std.extVar('session');
{ claims: { iss: claims.iss, external_id: session.identity.external_id } }
