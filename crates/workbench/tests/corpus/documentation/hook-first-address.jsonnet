function(ctx) {
  message: {
    from: "hello@contoso.example",
    to: [
      {
      email: ctx.identity.verifiable_addresses[0].value,
      type: "to"
      }
    ]
  }
}
