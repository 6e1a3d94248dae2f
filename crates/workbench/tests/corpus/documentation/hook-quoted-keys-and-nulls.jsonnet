function(ctx) {
  "people": [
    { "email": if "template_data" in ctx && "to" in ctx.template_data then ctx.template_data.to else null },
  ],
  "code": if "template_data" in ctx && "code" in ctx.template_data then ctx.template_data.code else null,
}
