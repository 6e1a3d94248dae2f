local claims = std.extVar('claims');
{
  identity: {
    traits: { email: claims.email },
    metadata_public: { user_name: claims.discord_username },
    metadata_admin: {},
  },
}
