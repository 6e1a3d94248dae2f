function(ctx) {
  To: ctx.recipient,
  Body: 'Hello ' + ctx.identity.id,
}
