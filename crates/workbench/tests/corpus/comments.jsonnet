// one
# two
/* three */ local claims = std.extVar('claims');  // four
{ identity: { traits: { sub: claims.sub /* inner */ } } }
