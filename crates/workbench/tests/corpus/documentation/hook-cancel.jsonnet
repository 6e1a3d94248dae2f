function(ctx)
if std.startsWith(ctx.identity.traits.email, "alice") then
  error "cancel"
else
  {
    user_id: ctx.identity.id
  }
