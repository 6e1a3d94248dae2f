local claims = {
  website: 'https://nowhere.example',
} + std.extVar('claims');
{ identity: { traits: { website: claims.website } } }
