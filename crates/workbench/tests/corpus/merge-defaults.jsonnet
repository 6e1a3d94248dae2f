local claims = std.extVar('claims');
local defaults = { locale: 'en', name: 'nobody' };
{ identity: { traits: { locale: (defaults + claims).locale, name: (defaults + claims).name } } }
