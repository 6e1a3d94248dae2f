function(ctx) { user_id: ctx.identity.id }
