// What a session becomes as a JWT (`whoami?tokenize_as=…`), besides the claims that every such token has: the groups
// and roles that the mapper put into the public metadata.
//
//   session.whoami.tokenizer.templates.<name>.claims_mapper_url: file://config/session-token.jsonnet
local session = std.extVar('session');
local metadata = std.get(session.identity, 'metadata_public', {});
local known = if metadata == null then {} else metadata;
{
  claims: {
    groups: std.get(known, 'groups', []),
    roles: std.get(known, 'roles', []),
  },
}
