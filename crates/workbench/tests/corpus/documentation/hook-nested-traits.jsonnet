function(ctx) {
  userId: ctx.identity.id,
  data: ctx.flow.transient_payload.custom,
  traits: {
    email: ctx.identity.traits.email,
    newsletter: ctx.identity.traits.consent.newsletter, # a comment of the other kind
  },
}
