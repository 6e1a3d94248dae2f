//! What Kratos only finds at somebody's login, and keys without effect: reported at start, and the start goes on.

use super::{load_edited, told};

type Case = (&'static str, &'static [(&'static str, &'static str)], &'static str);

const TENANT: &str = "microsoft_tenant: 8eaef023-2b34-4da1-9baa-8bc8c9d6a490";
const PATH: &str = "selfservice.methods.oidc.config.providers";

const ADVICE: &[Case] = &[
    (
        "two providers with one id",
        &[("- id: generic", "- id: microsoft")],
        "duplicate_provider_id P.1.id kratos.yml:23:17",
    ),
    (
        "an alias that is somebody's id",
        &[("issuer_url:", "aliases: [microsoft]\n            issuer_url:")],
        "duplicate_provider_id P.1.aliases.0 kratos.yml:27:23",
    ),
    (
        "mapper file missing",
        &[("base64://e30=\n            scope", "file:///nowhere/m.jsonnet\n            scope")],
        "mapper_source P.0.mapper_url kratos.yml:21:25",
    ),
    (
        "mapper not base64",
        &[("base64://e30=\n            scope", "base64://!!!!\n            scope")],
        "mapper_source P.0.mapper_url kratos.yml:21:25",
    ),
    (
        "mapper from a gopher",
        &[("base64://e30=\n            scope", "gopher://x/y\n            scope")],
        "mapper_source P.0.mapper_url kratos.yml:21:25",
    ),
    ("empty tenant", &[(TENANT, "microsoft_tenant: ''")], "empty_tenant P.0.microsoft_tenant kratos.yml:20:31"),
    (
        "reserved tenant in capitals",
        &[(TENANT, "microsoft_tenant: Common")],
        "tenant_case P.0.microsoft_tenant kratos.yml:20:31",
    ),
    (
        "tenant an address",
        &[(TENANT, "microsoft_tenant: https://login.example/x")],
        "tenant_form P.0.microsoft_tenant kratos.yml:20:31",
    ),
    (
        "generic without issuer",
        &[("            issuer_url: https://id.contoso.com/op\n", "")],
        "missing_issuer P.1.issuer_url kratos.yml:23:13",
    ),
    (
        "empty client id",
        &[("client_id: contoso-client", "client_id: ''")],
        "empty_client_id P.1.client_id kratos.yml:25:24",
    ),
    ("empty secret", &[("hunter2-generic", "''")], "empty_secret P.1.client_secret kratos.yml:26:28"),
    (
        "the id of a secret",
        &[("hunter2~Secret.One_0123456789abcdefghijkl", "0d4c0c56-93a3-4c8e-8f51-1f0d1b2c3d4e")],
        "secret_id P.0.client_secret kratos.yml:19:28",
    ),
    (
        "a client secret that nobody filled in",
        &[("hunter2~Secret.One_0123456789abcdefghijkl", "replace-me-with-the-value-of-hunter2")],
        "secret_placeholder P.0.client_secret kratos.yml:19:28",
    ),
    (
        "a variable that nobody expanded, in a list",
        &[("client_secret: hunter2-generic", "client_secrets: [hunter2-generic, '${HUNTER2:-hunter2}']")],
        "secret_placeholder P.1.client_secrets.1 kratos.yml:26:47",
    ),
    (
        "the cookie secret of Kratos' quickstart",
        &[("hunter2-cookie-secret-of-the-test", "PLEASE-CHANGE-ME-I-AM-VERY-INSECURE")],
        "secret_placeholder secrets.cookie.0 kratos.yml:40:7",
    ),
    (
        "the cipher secret of Kratos' quickstart, behind one of somebody's own",
        &[(
            "hunter2-cipher-secret-32-chars!!",
            "hunter2-cipher-secret-32-chars!!\n    - 32-LONG-SECRET-NOT-SECURE-AT-ALL",
        )],
        "secret_placeholder secrets.cipher.1 kratos.yml:43:7",
    ),
    (
        "the gap of the compose quickstart",
        &[("secrets:\n", "secrets:\n  default: [replace-with-64-random-hexadecimal-characters]\n")],
        "secret_placeholder secrets.default.0 kratos.yml:39:13",
    ),
    (
        "names of groups that anybody may give to theirs",
        &[(
            TENANT,
            "microsoft_tenant: 8eaef023-2b34-4da1-9baa-8bc8c9d6a490\n            microsoft: { groups: { format: name, allowed: [Admins] } }",
        )],
        "group_names P.0.microsoft.groups.allowed kratos.yml:21:59",
    ),
    (
        "scopes in one item",
        &[("scope: [profile, email]", "scope: [profile email]")],
        "scope_form P.0.scope kratos.yml:22:20",
    ),
    ("id that fits no URL", &[("- id: generic", "- id: a/b")], "provider_id P.1.id kratos.yml:23:17"),
    (
        "base URL without host",
        &[("http://127.0.0.1:4433/", "/kratos")],
        "callback_address serve.public.base_url kratos.yml:5:15",
    ),
    (
        "base URL of every interface",
        &[("http://127.0.0.1:4433/", "http://0.0.0.0:4433/")],
        "callback_address serve.public.base_url kratos.yml:5:15",
    ),
    (
        "redirect base with a query",
        &[("        providers:\n", "        base_redirect_uri: https://a.example/?x=1\n        providers:\n")],
        "callback_address selfservice.methods.oidc.config.base_redirect_uri kratos.yml:15:28",
    ),
    (
        "plain http beyond loopback",
        &[("http://127.0.0.1:4433/", "http://id.contoso.com/")],
        "insecure_address serve.public.base_url kratos.yml:5:15",
    ),
    (
        "no session hook",
        &[("            - hook: session\n", "            - hook: show_verification_ui\n")],
        "no_session_hook selfservice.flows.registration.after.oidc.hooks kratos.yml:37:13",
    ),
    (
        "method off",
        &[("    oidc:\n      enabled: true", "    oidc:\n      enabled: false")],
        "oidc_disabled selfservice.methods.oidc.enabled kratos.yml:13:16",
    ),
    (
        "default schema not in the list",
        &[("  schemas:", "  default_schema_id: nope\n  schemas:")],
        "default_schema identity.default_schema_id kratos.yml:46:22",
    ),
    (
        "strict cookies",
        &[("version: v1.3.0", "cookies: { same_site: Strict }")],
        "same_site cookies.same_site kratos.yml:1:23",
    ),
    (
        "insecure cross-site cookies",
        &[("version: v1.3.0", "cookies: { same_site: None, secure: 'false' }")],
        "same_site cookies.same_site kratos.yml:1:23",
    ),
];

/// As Kratos takes it, without an address of its own: its default is an agent on the same host.
const JAEGER: &str = "tracing: { provider: jaeger }";

const WARNINGS: &[Case] = &[
    ("courier", &[("version: v1.3.0", "courier: { message_retries: 1 }")], "no_effect courier kratos.yml:1:1"),
    ("hashers", &[("version: v1.3.0", "hashers: { algorithm: argon2 }")], "no_effect hashers kratos.yml:1:1"),
    ("traces for Jaeger", &[("version: v1.3.0", JAEGER)], "no_effect tracing.provider kratos.yml:1:12"),
    (
        "password method",
        &[("      enabled: false", "      enabled: true")],
        "no_effect selfservice.methods.password kratos.yml:10:5",
    ),
    (
        "hooks of a method that never runs",
        &[("        oidc:\n          hooks:", "        password: { hooks: [] }\n        oidc:\n          hooks:")],
        "no_effect selfservice.flows.registration.after.password kratos.yml:35:9",
    ),
    (
        "misspelt key that Kratos lets pass",
        &[("      url: base64://e30=\n", "      url: base64://e30=\n      selfservice_selectible: true\n")],
        "unread_key identity.schemas.0.selfservice_selectible kratos.yml:49:7",
    ),
    (
        "automatic linking",
        &[("issuer_url:", "account_linking_mode: automatic\n            issuer_url:")],
        "automatic_linking P.1.account_linking_mode kratos.yml:27:35",
    ),
    (
        "an issuer over plain http",
        &[("issuer_url: https://id.contoso.com/op", "issuer_url: http://id.contoso.com/op")],
        "http_issuer P.1.issuer_url kratos.yml:27:25",
    ),
    (
        "Microsoft's hosts over plain http",
        &[(TENANT, "microsoft_tenant: common\n            microsoft: { graph_host: 'http://graph.contoso.com' }")],
        "http_issuer P.0.microsoft.graph_host kratos.yml:21:38",
    ),
    (
        "recheck without refresh token",
        &[("issuer_url:", "recheck: 15m\n            issuer_url:")],
        "recheck_scope P.1.recheck kratos.yml:27:22",
    ),
    (
        "a hook that would send mail",
        &[("            - hook: session\n", "            - hook: show_verification_ui\n            - hook: session\n")],
        "no_mail selfservice.flows.registration.after.oidc.hooks.0 kratos.yml:37:15",
    ),
];

#[test]
fn what_kratos_finds_at_a_login_is_found_at_start() {
    each(ADVICE, true);
}

#[test]
fn plain_http_is_told_only_where_somebody_is_on_the_way() {
    let http = |issuer: &str, more: &str| {
        let edits = [("issuer_url: https://id.contoso.com/op", format!("issuer_url: {issuer}\n            {more}"))];
        let loaded = load_edited(&edits.each_ref().map(|(from, to)| (*from, to.as_str()))).expect("it loads");
        assert!(!loaded.has_advice(), "a warning alone: `--strict` serves");
        loaded.warnings.iter().any(|finding| finding.code == "http_issuer")
    };
    assert!(http("http://idp.example/", ""));
    for local in ["http://localhost:4500", "http://127.0.0.1:4500/x", "http://[::1]:4500/"] {
        assert!(!http(local, ""), "{local}");
    }
    assert!(!http("http://idp.example/", "enabled: false"), "nobody goes there");
}

#[test]
fn keys_without_effect_warn_once_each() {
    each(WARNINGS, false);
}

fn each(cases: &[Case], advice: bool) {
    let mut wrong = Vec::new();
    for (name, edits, expected) in cases {
        let expected = expected.replace("P.", &format!("{PATH}."));
        match load_edited(edits) {
            Ok(loaded) => {
                let told = told(if advice { &loaded.advice } else { &loaded.warnings });
                let text = format!("{:?}", loaded.findings().map(ToString::to_string).collect::<Vec<_>>());
                assert!(!text.contains("hunter2"), "{text}");
                if told.iter().filter(|line| **line == expected).count() != 1 {
                    wrong.push(format!("{name}:\n  expected {expected}\n  but got  {told:?}"));
                }
            }
            Err(errors) => wrong.push(format!("{name} is refused: {errors}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
