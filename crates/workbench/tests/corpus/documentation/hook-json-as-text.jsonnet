function(ctx) {
  body: std.manifestJsonEx({
    from: 'Bia',
    to: [
      if std.startsWith(ctx.recipient, '+')
      then std.substr(ctx.recipient, 1, std.length(ctx.recipient) - 1)
      else ctx.recipient,
    ],
    nothing: [],
    none: {},
  }, '  '),
}
