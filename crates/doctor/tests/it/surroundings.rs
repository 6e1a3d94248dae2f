//! What stands around the providers: the stand-in's identifiers, home realms, hooks, cases, secrets, listeners' TLS.

use super::{Case, MAPPER, base64, find, has, lay_over, now, problems, report_of, sound, with_provider};
use bia_doctor::{Level, Report};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

async fn with(more: Value) -> Report {
    let mut config = sound();
    lay_over(&mut config, more);
    report_of(&config, Case::default()).await
}

#[tokio::test]
async fn a3_identifiers_of_the_stand_in_are_a_problem() {
    for more in [
        json!({ "client_id": bia_provider::STAND_IN_CLIENT_ID }),
        json!({ "microsoft_tenant": bia_provider::STAND_IN_TENANT_ID.to_string().to_uppercase() }),
        json!({ "microsoft_tenant": "common", "microsoft": { "allowed_tenants": [bia_provider::STAND_IN_TENANT_ID.to_string()] } }),
    ] {
        let report = with_provider(more.clone()).await;
        assert_eq!(find(&report, "stand_in").level, Level::Problem, "{more}");
    }
    assert!(!has(&with_provider(json!({})).await, "stand_in"));
}

#[tokio::test]
async fn a3_plain_http_to_another_machine_is_a_warning_and_to_this_one_is_none() {
    let plain = json!({ "microsoft": { "graph_host": "http://graph.example" } });
    let report = with_provider(plain).await;
    assert!(find(&report, "http_issuer").key.ends_with("microsoft.graph_host"), "{}", report.to_text());
    let generic = |issuer: &str| json!({ "provider": "generic", "microsoft_tenant": null, "issuer_url": issuer, "client_secret_expires_at": null });
    assert_eq!(find(&with_provider(generic("http://idp.example")).await, "http_issuer").level, Level::Warning);
    assert!(!has(&with_provider(generic("http://127.0.0.1:4500/x")).await, "http_issuer"));
    assert!(!has(&with_provider(generic("https://idp.example")).await, "http_issuer"));
}

#[tokio::test]
async fn k2_the_report_says_where_each_domain_goes() {
    let report = with_provider(json!({ "microsoft": { "home_realm_domains": ["Contoso.com", "fabrikam.com"] } })).await;
    let told: Vec<&str> = report.findings.iter().filter(|f| f.code == "home_realm").map(|f| f.what.as_str()).collect();
    assert_eq!(told.len(), 2);
    assert!(told[0].contains("contoso.com go to `microsoft`") && told[0].contains("no button"), "{told:?}");
    let shown = json!({ "microsoft": { "home_realm_domains": ["contoso.com"], "always_show_button": true } });
    assert!(find(&with_provider(shown).await, "home_realm").what.contains("its button shows as well"));
    let off = with_provider(json!({ "enabled": false, "microsoft": { "home_realm_domains": ["contoso.com"] } })).await;
    assert!(has(&off, "home_realm_off") && !has(&off, "home_realm"), "{}", off.to_text());
    assert!(!has(&with_provider(json!({})).await, "home_realm"));
}

#[tokio::test]
async fn web_hooks_with_a_wrong_address_or_template_are_found() {
    let hooks = |config: Value| {
        let mut config = config;
        lay_over(&mut config, json!({ "method": "POST" }));
        json!({ "selfservice": { "flows": { "login": { "after": { "oidc": { "hooks": [{ "hook": "web_hook", "config": config }] } } } } } })
    };
    for (config, code) in [
        (json!({ "url": "http://hooks.example/x?key=secret" }), "web_hook_http"),
        (json!({ "url": "https://[not-a-host]/?key=secret" }), "web_hook_address"),
        (json!({ "url": "https://hooks.example/", "body": base64("function(ctx) {") }), "web_hook_template"),
        (json!({ "url": "https://hooks.example/", "body": "file:///does/not/exist.jsonnet" }), "web_hook_template"),
    ] {
        let report = with(hooks(config.clone())).await;
        assert!(has(&report, code), "{config}: {}", report.to_text());
        assert!(find(&report, code).key.starts_with("selfservice.flows.login.after.oidc.hooks.0.config"));
        assert!(!report.to_text().contains("key=secret"), "an address may hold a key");
    }
    let fine =
        with(hooks(json!({ "url": "https://hooks.example/", "body": base64("function(ctx) { flow: ctx.flow.id }") })))
            .await;
    assert!(has(&fine, "hooks") && problems(&fine).is_empty(), "{}", fine.to_text());
    let local = with(hooks(json!({ "url": "http://127.0.0.1:8080/" }))).await;
    assert!(!has(&local, "web_hook_http"));
}

/// A mapper with one case beside it; says what the case expects.
fn mapper_with_case(folder: &Path, expected: &str) -> String {
    let mapper = folder.join("person.jsonnet");
    std::fs::write(&mapper, MAPPER).expect("a mapper");
    std::fs::create_dir_all(folder.join("person")).expect("a folder");
    std::fs::write(folder.join("person/ann.claims.json"), r#"{"sub":"1","email":"ann@contoso.com"}"#).expect("claims");
    std::fs::write(folder.join("person/ann.expected.json"), expected).expect("an expectation");
    format!("file://{}", mapper.display())
}

#[tokio::test]
async fn the_cases_beside_a_mapper_are_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let right = r#"{"identity":{"traits":{"email":"ann@contoso.com"}}}"#;
    let url = mapper_with_case(folder.path(), right);
    let report = with_provider(json!({ "mapper_url": url })).await;
    assert_eq!(find(&report, "mapper_cases").level, Level::Good, "{}", report.to_text());
    mapper_with_case(folder.path(), &right.replace("ann@", "bob@"));
    let report = with_provider(json!({ "mapper_url": url })).await;
    let finding = find(&report, "mapper_cases");
    assert!(finding.level == Level::Problem && finding.what.contains("ann"), "{finding:?}");
    assert!(finding.fix.contains("bia mapper test") && finding.place.ends_with("person.jsonnet"), "{finding:?}");
    assert!(!report.to_text().contains("bob@"), "cases hold claims, and a report goes into tickets");
    std::fs::remove_dir_all(folder.path().join("person")).expect("removed");
    let report = with_provider(json!({ "mapper_url": url })).await;
    assert_eq!(find(&report, "mapper_no_cases").level, Level::Note);
}

#[tokio::test]
async fn what_mappers_import_is_read() {
    let broken = Case { imports: Err("/no/such/folder".to_owned()), ..Case::default() };
    let report = report_of(&sound(), broken).await;
    assert!(find(&report, "mapper_imports").what.contains("/no/such/folder"));
    let imports = Ok(vec![("names.libsonnet".to_owned(), "{ key: 'email' }".to_owned())]);
    let mut config = sound();
    let folder = tempfile::tempdir().expect("a folder");
    let url = mapper_with_case(folder.path(), r#"{"identity":{"traits":{"email":"ann@contoso.com"}}}"#);
    let importing = "local names = import 'names.libsonnet';\nlocal claims = std.extVar('claims');\n{ identity: { traits: { email: claims[names.key] } } }\n";
    std::fs::write(folder.path().join("person.jsonnet"), importing).expect("a mapper");
    lay_over(&mut config["selfservice"]["methods"]["oidc"]["config"]["providers"][0], json!({ "mapper_url": url }));
    let report = report_of(&config, Case { imports, ..Case::default() }).await;
    assert_eq!(find(&report, "mapper_cases").level, Level::Good, "{}", report.to_text());
}

#[tokio::test]
async fn secrets_that_nobody_could_keep_are_asked_for() {
    let postgres = |secrets: Value| json!({ "dsn": "postgres://bia@db.example/bia", "secrets": secrets });
    assert_eq!(find(&with(postgres(Value::Null)).await, "secrets_missing").level, Level::Problem);
    assert_eq!(find(&with(json!({ "secrets": null })).await, "secrets_missing").level, Level::Problem, "in memory");
    assert!(!has(&with(postgres(json!({}))).await, "secrets_missing"));
    assert!(!has(&with(json!({ "dsn": "sqlite://bia.sqlite", "secrets": null })).await, "secrets_missing"));
}

#[tokio::test]
async fn secrets_that_stand_in_examples_are_found_and_never_shown() {
    let example = "PLEASE-CHANGE-ME-I-AM-VERY-INSECURE";
    let report = with(json!({ "secrets": { "cookie": ["a-secret-of-more-than-16-characters", example] } })).await;
    let finding = find(&report, "secret_placeholder");
    assert_eq!((finding.level, finding.key.as_str()), (Level::Problem, "secrets.cookie.1"));
    let printed = format!("{}{}", report.to_text(), report.to_json(false));
    assert!(finding.place.starts_with("kratos.json:") && !printed.contains(example), "{printed}");
}

#[tokio::test]
async fn certificate_and_key_of_a_port_are_a_pair_current_and_for_the_host() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).expect("a file");
        folder.path().join(name).display().to_string()
    };
    let cert = path("cert.pem", include_str!("../../../fake-entra/tests/it/localhost.pem"));
    let key = path("key.pem", include_str!("../../../fake-entra/tests/it/localhost-key.pem"));
    let other = path("other.pem", include_str!("../../../../tests/e2e/fixtures/key.pem"));
    let tls = |cert: &str, key: &str, base: &str| json!({ "serve": { "public": { "base_url": base, "tls": { "cert": { "path": cert }, "key": { "path": key } } } } });
    let fits = with(tls(&cert, &key, "https://localhost/")).await;
    assert_eq!(find(&fits, "own_certificate").level, Level::Good, "{}", fits.to_text());
    assert!(!has(&fits, "own_certificate_name"));
    assert!(has(&with(tls(&cert, &key, "https://id.example.com/")).await, "own_certificate_name"));
    assert!(has(&with(tls(&cert, &key, "http://localhost/")).await, "tls_with_http_address"));
    for (cert, key) in [(&cert, &other), (&key, &key), (&cert, &cert), (&"/no/file".to_owned(), &key)] {
        let report = with(tls(cert, key, "https://localhost/")).await;
        assert_eq!(find(&report, "own_certificate").level, Level::Problem, "{cert} {key}");
    }
    let mut config = sound();
    lay_over(&mut config, tls(&cert, &key, "https://localhost/"));
    let later = Case { now: now() + Duration::from_secs(200 * 365 * 24 * 60 * 60), ..Case::default() };
    let over = report_of(&config, later).await;
    assert!(find(&over, "own_certificate").what.contains("ended"), "{}", over.to_text());
}

#[tokio::test]
async fn colours_and_control_characters_reach_no_pipe() {
    let report = with_provider(json!({ "scope": ["groups"] })).await;
    assert!(!report.to_text().contains('\u{1b}'));
    assert!(report.to_colours().contains("\u{1b}[31mPROBLEM"));
    let json = report.to_json(false);
    assert_eq!((&json["format"], &json["healthy"]), (&json!(1), &json!(false)));
    let finding =
        json["findings"].as_array().expect("findings").iter().find(|f| f["code"] == "scope_groups").expect("it");
    for field in ["level", "area", "code", "key", "where", "what", "why", "fix"] {
        assert!(finding[field].is_string(), "{field}: {finding}");
    }
}
