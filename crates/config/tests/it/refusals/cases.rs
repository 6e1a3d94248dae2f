//! The tables of bad inputs: an edit of the base configuration, and the finding it must lead to.

/// One bad input: what is replaced in the base configuration, and the finding expected.
pub(super) type Case = (&'static str, &'static [(&'static str, &'static str)], &'static str);

pub(super) const P: &str = "            client_id: 6731de76-14a6-49ae-97bc-6eba6914391e\n";
pub(super) const TENANT: &str = "            microsoft_tenant: 8eaef023-2b34-4da1-9baa-8bc8c9d6a490\n";
pub(super) const SECRET: &str = "            client_secret: hunter2~Secret.One_0123456789abcdefghijkl\n";
pub(super) const MAPPER: &str = "            mapper_url: base64://e30=\n            scope: [profile, email]\n";
pub(super) const HOOK: &str = "            - hook: session\n";

/// The refusals of Kratos, as the contract suite's scenario 75 has them, and those of its schema beyond.
pub(super) const KRATOS: &[Case] = &[
    ("no dsn", &[("dsn: sqlite://bia.sqlite?_fk=true&mode=rwc\n", "")], "missing_key dsn not set"),
    ("empty dsn", &[("sqlite://bia.sqlite?_fk=true&mode=rwc", "''")], "dsn dsn kratos.yml:2:6"),
    (
        "no identity schemas",
        &[("  schemas:\n    - id: default\n      url: base64://e30=\n", "  default_schema_id: default\n")],
        "missing_key identity.schemas kratos.yml:46:3",
    ),
    (
        "no default_browser_return_url",
        &[("  default_browser_return_url: https://app.contoso.com/welcome\n", "")],
        "missing_key selfservice.default_browser_return_url kratos.yml:8:3",
    ),
    ("unknown key at the top", &[("version: v1.3.0\n", "nonsense: 1\n")], "unknown_key nonsense kratos.yml:1:1"),
    (
        "unknown key in a provider",
        &[(P, "            client_id: x\n            nonsense: 1\n")],
        "unknown_key selfservice.methods.oidc.config.providers.0.nonsense kratos.yml:19:13",
    ),
    (
        "provider without id",
        &[("          - id: microsoft\n            provider: microsoft\n", "          - provider: microsoft\n")],
        "missing_key selfservice.methods.oidc.config.providers.0.id kratos.yml:16:13",
    ),
    (
        "unknown provider type",
        &[("provider: generic", "provider: myspace")],
        "wrong_value selfservice.methods.oidc.config.providers.1.provider kratos.yml:24:23",
    ),
    (
        "microsoft without tenant",
        &[(TENANT, "")],
        "missing_key selfservice.methods.oidc.config.providers.0.microsoft_tenant kratos.yml:16:13",
    ),
    (
        "generic with tenant",
        &[("client_id: contoso-client", "microsoft_tenant: common\n            client_id: contoso-client")],
        "forbidden_key selfservice.methods.oidc.config.providers.1.microsoft_tenant kratos.yml:25:13",
    ),
    ("no client_id", &[(P, "")], "missing_key selfservice.methods.oidc.config.providers.0.client_id kratos.yml:16:13"),
    (
        "no client_secret",
        &[(SECRET, "")],
        "missing_key selfservice.methods.oidc.config.providers.0.client_secret kratos.yml:16:13",
    ),
    (
        "no mapper_url",
        &[(MAPPER, "")],
        "missing_key selfservice.methods.oidc.config.providers.0.mapper_url kratos.yml:16:13",
    ),
    (
        "wrong pkce",
        &[(MAPPER, "            mapper_url: base64://e30=\n            pkce: maybe\n")],
        "wrong_value selfservice.methods.oidc.config.providers.0.pkce kratos.yml:22:19",
    ),
    (
        "wrong subject_source",
        &[(MAPPER, "            mapper_url: base64://e30=\n            subject_source: email\n")],
        "wrong_value selfservice.methods.oidc.config.providers.0.subject_source kratos.yml:22:29",
    ),
    (
        "scope a string",
        &[("scope: [profile, email]", "scope: profile email")],
        "wrong_type selfservice.methods.oidc.config.providers.0.scope kratos.yml:22:20",
    ),
    (
        "wrong lifespan",
        &[("lifespan: 10m", "lifespan: ten minutes")],
        "wrong_form selfservice.flows.login.lifespan kratos.yml:32:17",
    ),
    ("port a string", &[("port: 4433", "port: http")], "wrong_type serve.public.port kratos.yml:6:11"),
    ("port out of range", &[("port: 4433", "port: 70000")], "out_of_range serve.public.port kratos.yml:6:11"),
    (
        "cipher secret too short",
        &[("hunter2-cipher-secret-32-chars!!", "hunter2")],
        "wrong_length secrets.cipher.0 kratos.yml:42:7",
    ),
    (
        "cookie secret too short",
        &[("hunter2-cookie-secret-of-the-test", "hunter2")],
        "wrong_length secrets.cookie.0 kratos.yml:40:7",
    ),
    (
        "cipher without secret",
        &[("  cipher:\n    - hunter2-cipher-secret-32-chars!!\n", "")],
        "missing_key secrets.cipher kratos.yml:39:3",
    ),
    (
        "unknown hook",
        &[(HOOK, "            - hook: teleport\n")],
        "unknown_hook selfservice.flows.registration.after.oidc.hooks.0.hook kratos.yml:37:21",
    ),
    (
        "hook in the wrong place",
        &[(HOOK, "            - hook: revoke_active_sessions\n")],
        "unknown_hook selfservice.flows.registration.after.oidc.hooks.0.hook kratos.yml:37:21",
    ),
    (
        "hook with a key too many",
        &[(HOOK, "            - hook: session\n              config: {}\n")],
        "unknown_key selfservice.flows.registration.after.oidc.hooks.0.config kratos.yml:38:15",
    ),
    (
        "the same hook twice",
        &[(HOOK, "            - hook: session\n            - hook: session\n")],
        "repeated_item selfservice.flows.registration.after.oidc.hooks kratos.yml:37:13",
    ),
    (
        "web hook without url",
        &[(HOOK, "            - hook: web_hook\n              config: { method: POST }\n")],
        "missing_key selfservice.flows.registration.after.oidc.hooks.0.config.url kratos.yml:38:23",
    ),
    (
        "web hook ignored and parsed",
        &[(
            HOOK,
            "            - hook: web_hook\n              config: { method: POST, url: https://h.example/, response: { ignore: true, parse: true } }\n",
        )],
        "conflict selfservice.flows.registration.after.oidc.hooks.0.config.response kratos.yml:38:74",
    ),
    (
        "web hook with the keys of another auth type",
        &[(
            HOOK,
            "            - hook: web_hook\n              config: { method: POST, url: https://h.example/, auth: { type: api_key, config: { user: u } } }\n",
        )],
        "missing_key selfservice.flows.registration.after.oidc.hooks.0.config.auth.config.value kratos.yml:38:95",
    ),
    (
        "schema file missing",
        &[("      url: base64://e30=\n", "      url: file:///nowhere/none.json\n")],
        "identity_schema identity.schemas.0.url kratos.yml:48:12",
    ),
    (
        "providers an object",
        &[(BASE_PROVIDERS, "        providers: { id: x }\n")],
        "wrong_type selfservice.methods.oidc.config.providers kratos.yml:15:20",
    ),
    (
        "a key left empty",
        &[("lifespan: 10m", "lifespan:")],
        "wrong_type selfservice.flows.login.lifespan kratos.yml:32:7",
    ),
    (
        "secure without quotes",
        &[("version: v1.3.0", "cookies: { secure: true }")],
        "wrong_type cookies.secure kratos.yml:1:20",
    ),
    (
        "mapper without scheme",
        &[("base64://e30=\n            scope", "m.jsonnet\n            scope")],
        "wrong_form selfservice.methods.oidc.config.providers.0.mapper_url kratos.yml:21:25",
    ),
    (
        "verification without courier",
        &[("    login:\n", "    verification: { enabled: true }\n    login:\n")],
        "missing_key courier not set",
    ),
    (
        "apple without its keys",
        &[("provider: generic", "provider: apple")],
        "missing_key selfservice.methods.oidc.config.providers.1.apple_team_id kratos.yml:23:13",
    ),
    (
        "apple with a client secret",
        &[("provider: generic", "provider: apple")],
        "forbidden_key selfservice.methods.oidc.config.providers.1.client_secret kratos.yml:26:13",
    ),
];

pub(super) const BASE_PROVIDERS: &str = "        providers:\n          - id: microsoft\n            provider: microsoft\n            client_id: 6731de76-14a6-49ae-97bc-6eba6914391e\n            client_secret: hunter2~Secret.One_0123456789abcdefghijkl\n            microsoft_tenant: 8eaef023-2b34-4da1-9baa-8bc8c9d6a490\n            mapper_url: base64://e30=\n            scope: [profile, email]\n          - id: generic\n            provider: generic\n            client_id: contoso-client\n            client_secret: hunter2-generic\n            issuer_url: https://id.contoso.com/op\n            mapper_url: base64://e30=\n";

/// Refusals of Bia's own.
pub(super) const OWN: &[Case] = &[
    (
        "mysql",
        &[("sqlite://bia.sqlite?_fk=true&mode=rwc", "mysql://root:hunter2@tcp(db)/kratos")],
        "dsn dsn kratos.yml:2:6",
    ),
    ("cockroach", &[("sqlite://bia.sqlite?_fk=true&mode=rwc", "cockroach://root@db/kratos")], "dsn dsn kratos.yml:2:6"),
    (
        "a provider that only Kratos speaks to",
        &[("provider: generic", "provider: auth0")],
        "other_provider selfservice.methods.oidc.config.providers.1.provider kratos.yml:24:23",
    ),
    (
        "tenant trusted without domains",
        &[(TENANT, "            microsoft_tenant: common\n            microsoft: { email_verified_from: tenant }\n")],
        "missing_key selfservice.methods.oidc.config.providers.0.microsoft.trusted_domains kratos.yml:21:24",
    ),
    (
        "domains of something that is no tenant",
        &[(
            TENANT,
            "            microsoft_tenant: common\n            microsoft: { trusted_domains: { contoso: [contoso.com] } }\n",
        )],
        "tenant_id selfservice.methods.oidc.config.providers.0.microsoft.trusted_domains.contoso kratos.yml:21:54",
    ),
    (
        "credentials from nobody",
        &[(SECRET, "            credentials_from: nobody\n")],
        "credentials_from selfservice.methods.oidc.config.providers.0.credentials_from kratos.yml:19:31",
    ),
    (
        "allow list without domains",
        &[("issuer_url: https://id.contoso.com/op", "sign_up: allow_list")],
        "missing_key selfservice.methods.oidc.config.providers.1.sign_up_domains kratos.yml:23:13",
    ),
    (
        "microsoft block elsewhere",
        &[("issuer_url: https://id.contoso.com/op", "microsoft: {}")],
        "forbidden_key selfservice.methods.oidc.config.providers.1.microsoft kratos.yml:27:13",
    ),
    (
        "a host without scheme",
        &[(TENANT, "            microsoft_tenant: common\n            microsoft: { authority_host: login.example }\n")],
        "wrong_form selfservice.methods.oidc.config.providers.0.microsoft.authority_host kratos.yml:21:42",
    ),
    (
        "no network",
        &[("version: v1.3.0", "bia: { trusted_proxies: [proxy] }")],
        "wrong_form bia.trusted_proxies.0 kratos.yml:1:26",
    ),
    (
        "a header of cookies",
        &[("version: v1.3.0", "bia: { identity_headers: { Set-Cookie: '{identity.id}' } }")],
        "header_name bia.identity_headers.Set-Cookie kratos.yml:1:40",
    ),
    (
        "one header twice",
        &[("version: v1.3.0", "bia: { identity_headers: { X-User: '{identity.id}', x-user: '{verified_email}' } }")],
        "header_name bia.identity_headers.x-user kratos.yml:1:61",
    ),
    (
        "a header from what whoami does not show",
        &[("version: v1.3.0", "bia: { identity_headers: { X-Salary: '{metadata_admin.salary}' } }")],
        "header_template bia.identity_headers.X-Salary kratos.yml:1:38",
    ),
    (
        "a limit without a number",
        &[("version: v1.3.0", "bia: { rate_limit: { per_flow: { per: 1m } } }")],
        "missing_key bia.rate_limit.per_flow.requests kratos.yml:1:32",
    ),
    (
        "a limit that lets nobody in",
        &[("version: v1.3.0", "bia: { rate_limit: { per_flow: { requests: 0 } } }")],
        "out_of_range bia.rate_limit.per_flow.requests kratos.yml:1:44",
    ),
    (
        "a limit that is never refilled",
        &[("version: v1.3.0", "bia: { rate_limit: { per_address: { requests: 60, per: 0s } } }")],
        "out_of_range bia.rate_limit.per_address.per kratos.yml:1:56",
    ),
    (
        "no size",
        &[("version: v1.3.0", "bia: { mapper: { memory: lots } }")],
        "wrong_form bia.mapper.memory kratos.yml:1:26",
    ),
    (
        "no day",
        &[("issuer_url: https://id.contoso.com/op", "client_secret_expires_at: soon")],
        "wrong_form selfservice.methods.oidc.config.providers.1.client_secret_expires_at kratos.yml:27:39",
    ),
];
