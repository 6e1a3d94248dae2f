// Microsoft Entra ID with fields that no token carries, read from Microsoft Graph.
//
// Needs `microsoft.profile: [givenName, surname, jobTitle, department]` and the scope `User.Read`. Graph leaves out what
// is empty, so every field is guarded; without `microsoft.profile` there is no `claims.graph` at all.

local claims = std.extVar('claims');
local raw = claims.raw_claims;
local graph = std.get(claims, 'graph', {});

local email = if 'email' in claims then std.asciiLower(std.stripChars(claims.email, ' ')) else '';
local domain_verified = 'xms_edov' in raw && std.member(['true', '1'], std.asciiLower(std.toString(raw.xms_edov)));
local first = std.get(graph, 'givenName', std.get(claims, 'given_name', ''));
local last = std.get(graph, 'surname', std.get(claims, 'family_name', ''));

{
  identity: {
    traits: {
      [if email != '' then 'email']: email,
      [if 'preferred_username' in claims then 'username']: claims.preferred_username,
      name: {
        [if first != '' then 'first']: first,
        [if last != '' then 'last']: last,
      },
    },
    verified_addresses: if email != '' && domain_verified then [{ via: 'email', value: email }] else [],
    // What the company says about the person, who may read it and not change it.
    metadata_public: {
      [if 'jobTitle' in graph then 'job_title']: graph.jobTitle,
      [if 'department' in graph then 'department']: graph.department,
    },
    metadata_admin: {
      [if 'tid' in raw then 'tenant']: raw.tid,
      [if 'oid' in claims then 'oid']: claims.oid,
    },
  },
}
