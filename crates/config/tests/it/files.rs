//! Formats, layers and positions of files.

use std::path::PathBuf;
use std::time::Duration;

use bia_config::{LoadInput, load, load_text};

use super::{BASE, edited, load_edited, told_refusal};

fn texts(files: &[(&str, &str)]) -> LoadInput<'static> {
    LoadInput {
        texts: files.iter().map(|(name, text)| (PathBuf::from(name), (*text).to_owned())).collect(),
        ..LoadInput::default()
    }
}

const TOML: &str = r#"
dsn = "memory"
[selfservice]
default_browser_return_url = "https://app.contoso.com/"
[selfservice.flows.login]
lifespan = "5m"
[[selfservice.methods.oidc.config.providers]]
id = "generic"
provider = "generic"
client_id = "x"
client_secret = "hunter2"
issuer_url = "https://id.contoso.com/"
mapper_url = "base64://e30="
[[identity.schemas]]
id = "default"
url = "base64://e30="
"#;

#[test]
fn toml_and_json_load_like_yaml_and_errors_have_places_in_them() {
    let loaded = load_text("kratos.toml", TOML).expect("TOML loads");
    assert_eq!(loaded.config.selfservice.flows.login.lifespan, Duration::from_secs(300));
    assert_eq!(
        told_refusal(&load_text("kratos.toml", &TOML.replace("\"5m\"", "\"hunter2\""))),
        ["wrong_form selfservice.flows.login.lifespan kratos.toml:6:12"]
    );
    let json = "{\n\t\"dsn\": \"memory\",\n\t\"selfservice\": { \"default_browser_return_url\": \"https://a.example/\" },\n\t\"identity\": { \"schemas\": [{ \"id\": \"default\", \"url\": \"base64://e30=\" }] }\n}";
    load_text("kratos.json", json).expect("JSON loads");
    assert_eq!(
        told_refusal(&load_text("kratos.json", &json.replace("\"memory\"", "7"))),
        ["wrong_type dsn kratos.json:2:9"]
    );
}

#[test]
fn later_files_win_by_key_and_replace_lists() {
    let second =
        "selfservice:\n  flows: { login: { lifespan: 2m } }\nsecrets:\n  cookie: [hunter2-another-cookie-secret]\n";
    let loaded = load(texts(&[("a.yml", BASE), ("b.yaml", second)])).expect("they load");
    assert_eq!(loaded.config.selfservice.flows.login.lifespan, Duration::from_secs(120));
    assert_eq!(loaded.config.selfservice.flows.login.ui_url, "https://app.contoso.com/login");
    assert_eq!(loaded.config.secrets.cookie.len(), 1);
    assert_eq!(loaded.config.providers().len(), 2);
}

#[test]
fn an_error_is_placed_in_the_file_that_set_the_value_last() {
    let second = "selfservice:\n  flows: { login: { lifespan: soon } }\n";
    let told = told_refusal(&load(texts(&[("a.yml", BASE), ("b.yml", second)])));
    assert_eq!(told, ["wrong_form selfservice.flows.login.lifespan b.yml:2:31"]);
}

#[test]
fn an_item_of_a_replaced_list_is_placed_in_the_list_that_counts() {
    let second = "selfservice:\n  methods:\n    oidc:\n      config:\n        providers:\n          - { id: a, provider: generic, client_id: x, mapper_url: 'base64://e30=' }\n";
    let told = told_refusal(&load(texts(&[("a.yml", BASE), ("b.yml", second)])));
    assert_eq!(told, ["missing_key selfservice.methods.oidc.config.providers.0.client_secret b.yml:6:13"]);
}

#[test]
fn anchors_aliases_and_merge_keys_work_and_keep_places() {
    let text = edited(&[(
        "    login:\n      ui_url: https://app.contoso.com/login\n      lifespan: 10m\n",
        "    login: &flow\n      ui_url: https://app.contoso.com/login\n      lifespan: 10m\n    settings:\n      <<: *flow\n",
    )]);
    let loaded = load_text("kratos.yml", &text).expect("it loads");
    assert_eq!(loaded.config.selfservice.flows.settings.lifespan, Duration::from_secs(600));
    let told = told_refusal(&load_text("kratos.yml", &text.replace("port: 4433", "port: http")));
    assert_eq!(told, ["wrong_type serve.public.port kratos.yml:6:11"]);
}

#[test]
fn broken_syntax_and_unknown_extensions_are_refused_alone() {
    assert_eq!(told_refusal(&load_text("kratos.yml", "serve: [\n  : :")).len(), 1);
    let errors = load_text("kratos.ini", "x").expect_err("refused");
    assert_eq!(errors.errors()[0].message, "unknown config file extension: .ini");
    assert!(
        told_refusal(&load_text("kratos.json", "{\n  \"dsn\": hunter2 }"))[0].contains("syntax (root) kratos.json:2:")
    );
    assert!(told_refusal(&load_text("kratos.toml", "dsn = hunter2"))[0].contains("kratos.toml:1:"));
    assert!(told_refusal(&load_text("kratos.yml", "dsn: memory\ndsn: hunter2\n"))[0].starts_with("syntax"));
    assert!(told_refusal(&load_text("kratos.yml", "- a\n- b\n"))[0].starts_with("syntax"));
}

#[test]
fn an_empty_file_lacks_the_required_keys() {
    let told = told_refusal(&load_text("kratos.yml", ""));
    assert_eq!(told, ["missing_key selfservice not set", "missing_key dsn not set", "missing_key identity not set"]);
}

#[test]
fn files_are_read_from_disk_and_a_missing_or_huge_one_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("kratos.yml");
    std::fs::write(&file, BASE).expect("written");
    load(LoadInput { files: vec![file.clone()], ..LoadInput::default() }).expect("it loads");
    std::fs::write(&file, "#".repeat((4 << 20) + 1)).expect("written");
    let errors = load(LoadInput { files: vec![file], ..LoadInput::default() }).expect_err("refused");
    assert_eq!(errors.errors()[0].code, "file_too_large");
    let errors =
        load(LoadInput { files: vec![folder.path().join("none.yml")], ..LoadInput::default() }).expect_err("refused");
    assert!(errors.to_string().contains("none.yml"), "{errors}");
}

#[test]
fn the_default_base_url_follows_kratos_rule() {
    let text = edited(&[("    base_url: http://127.0.0.1:4433/\n", "")]);
    let with = |dev, hostname: Option<&str>| {
        let input = LoadInput { dev, hostname: hostname.map(str::to_owned), ..texts(&[("kratos.yml", &text)]) };
        load(input).expect("it loads").config
    };
    assert_eq!(with(false, Some("box")).public_url().as_str(), "https://box:4433/");
    assert_eq!(with(true, Some("box")).public_url().as_str(), "http://box:4433/");
    assert_eq!(with(true, None).admin_url().as_str(), "http://localhost:4434/");
}

#[test]
fn cookie_attributes_fall_back_as_in_kratos() {
    let text = edited(&[(
        "version: v1.3.0",
        "cookies: { domain: contoso.com, same_site: Strict, secure: 'false' }\nsession: { cookie: { path: /app } }",
    )]);
    let config = load_text("kratos.yml", &text).expect("it loads").config;
    assert!(!config.cookie().secure);
    let session = config.session_cookie();
    // Kratos: `secure` of the session cookie does not fall back to `cookies.secure`.
    assert!(session.secure);
    assert_eq!(
        (session.domain, session.path, session.same_site),
        ("contoso.com", "/app", bia_config::SameSite::Strict)
    );
    let dev = load(LoadInput { dev: true, ..texts(&[("kratos.yml", BASE)]) }).expect("it loads").config;
    assert!(!dev.session_cookie().secure && !dev.cookie().secure);
}

#[test]
fn overrides_win_over_everything() {
    let input = LoadInput {
        env: vec![("DSN".to_owned(), "sqlite://env.sqlite".to_owned())],
        overrides: vec![("dsn".to_owned(), "memory".into()), ("serve.public.port".to_owned(), 1.into())],
        ..texts(&[("kratos.yml", BASE)])
    };
    let config = load(input).expect("it loads").config;
    assert!(config.dsn.is_memory() && config.serve.public.port == 1);
}

#[test]
fn every_extension_key_of_a_provider_is_typed() {
    let extensions = include_str!("extensions.yml");
    let config =
        load_text("kratos.yml", &format!("{}\n{extensions}", BASE.split_once("selfservice:").expect("base").0))
            .expect("it loads")
            .config;
    let provider = config.provider_by_id_or_alias("azure").expect("the alias");
    assert_eq!(provider.subject_source, bia_config::SubjectSource::TidOid);
    assert_eq!(provider.sign_up, bia_config::SignUp::AllowList);
    assert_eq!(provider.response_mode, bia_config::ResponseMode::FormPost);
    assert_eq!(provider.recheck, Some(Duration::from_secs(900)));
    assert_eq!(provider.microsoft.authority_host(), "https://login.microsoftonline.us");
    assert_eq!(provider.microsoft.graph_host(), "https://graph.contoso.com");
    assert_eq!(provider.microsoft.email_verified_from, bia_config::EmailVerifiedFrom::Tenant);
    assert_eq!(provider.microsoft.groups.as_ref().map(|groups| groups.max), Some(500));
    assert_eq!(provider.tenant(), Some(bia_config::Tenant::Organizations));
    let lent = config.provider("second").expect("the second");
    assert_eq!(config.credentials_of(lent).id, "microsoft");
    assert_eq!(config.bia.mapper.memory, 64 << 20);
    assert_eq!(config.bia.capture, bia_config::Capture::On);
}

#[test]
fn a_number_that_is_too_large_is_refused_without_its_digits() {
    for number in ["99999999999999999999", "-99999999999999999999"] {
        let outcome = load_edited(&[("hunter2-generic", number)]);
        assert_eq!(told_refusal(&outcome), ["syntax (root) kratos.yml:26:28"], "{number}");
        let text = outcome.err().map(|errors| errors.to_string()).unwrap_or_default();
        assert!(text.contains("64 bits") && !text.contains("9999"), "{text}");
    }
}
