//! Kratos' environment rule, and where Bia departs from it.

use std::time::Duration;

use super::{BASE, edited, load_with, told, told_refusal};

const PROVIDERS: &str = "SELFSERVICE_METHODS_OIDC_CONFIG_PROVIDERS";
const ONE: &str = r#"[{"id":"from-env","provider":"microsoft","client_id":"x","client_secret":"hunter2","microsoft_tenant":"common","mapper_url":"base64://e30="}]"#;

#[test]
fn variables_win_over_the_file() {
    let loaded = load_with(
        BASE,
        &[
            ("SERVE_PUBLIC_BASE_URL", "https://id.contoso.com"),
            ("SERVE_PUBLIC_PORT", "8080"),
            ("SELFSERVICE_FLOWS_LOGIN_LIFESPAN", "7m"),
            ("SELFSERVICE_FLOWS_REGISTRATION_ENABLED", "false"),
            ("SELFSERVICE_ALLOWED_RETURN_URLS", "https://a.example, https://b.example"),
            ("SECRETS_DEFAULT", r#"["hunter2-default-secret"]"#),
            ("DSN", "memory"),
            ("PATH", "/bin"),
            ("HOME_DIR_0", "x"),
        ],
    )
    .expect("it loads");
    let config = loaded.config;
    assert_eq!(config.public_url().as_str(), "https://id.contoso.com");
    assert_eq!(config.serve.public.port, 8080);
    assert_eq!(config.selfservice.flows.login.lifespan, Duration::from_secs(420));
    assert!(!config.selfservice.flows.registration.enabled);
    assert_eq!(config.selfservice.allowed_return_urls, ["https://a.example", "https://b.example"]);
    assert_eq!(config.secrets.default.len(), 1);
    assert!(config.dsn.is_memory());
}

#[test]
fn a_list_in_a_variable_replaces_the_files_list() {
    let loaded = load_with(BASE, &[(PROVIDERS, ONE)]).expect("it loads");
    let ids: Vec<&str> = loaded.config.providers().iter().map(|provider| provider.id.as_str()).collect();
    assert_eq!(ids, ["from-env"]);
}

#[test]
fn an_empty_list_means_no_providers_and_warns() {
    let loaded = load_with(BASE, &[(PROVIDERS, "[]")]).expect("it loads");
    assert!(loaded.config.providers().is_empty());
    assert_eq!(
        told(&loaded.warnings),
        [format!(
            "empty_list selfservice.methods.oidc.config.providers environment variable {PROVIDERS}, line 1 column 1 of its JSON"
        )]
    );
}

#[test]
fn an_index_variable_sets_one_value_of_one_item() {
    let secret = format!("{PROVIDERS}_1_CLIENT_SECRET");
    let text = edited(&[("            client_secret: hunter2-generic\n", "")]);
    let loaded = load_with(&text, &[(&secret, "hunter2-from-env")]).expect("it loads");
    let secret =
        loaded.config.provider("generic").and_then(|provider| provider.client_secret.clone()).expect("a secret");
    assert_eq!(bia_config::ExposeSecret::expose_secret(&secret), "hunter2-from-env");
    assert_eq!(loaded.config.providers().len(), 2);
}

#[test]
fn an_index_variable_counts_after_the_list_variable_whatever_their_order() {
    let label = format!("{PROVIDERS}_0_LABEL");
    for env in [[(PROVIDERS, ONE), (&label, "Contoso")], [(label.as_str(), "Contoso"), (PROVIDERS, ONE)]] {
        let loaded = load_with(BASE, &env).expect("it loads");
        assert_eq!(loaded.config.providers()[0].label(), "Contoso");
    }
}

#[test]
fn an_item_that_the_list_does_not_have_is_refused() {
    let told = told_refusal(&load_with(BASE, &[(&format!("{PROVIDERS}_7_LABEL"), "hunter2")]));
    assert_eq!(
        told,
        [format!(
            "no_such_item selfservice.methods.oidc.config.providers.7.label environment variable {PROVIDERS}_7_LABEL"
        )]
    );
}

#[test]
fn broken_json_names_the_variable_and_the_position_but_not_the_value() {
    let told = told_refusal(&load_with(BASE, &[(PROVIDERS, "[\n {\"client_secret\": \"hunter2\" \"id\"")]));
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].starts_with("variable_json selfservice.methods.oidc.config.providers")
            && told[0].contains("line 2 column 30"),
        "{told:?}"
    );
}

#[test]
fn a_fault_inside_a_variables_json_has_a_position_in_it() {
    let text = "[{\"id\":\"a\",\n\"provider\":\"generic\",\"client_id\":\"x\",\"client_secret\":\"hunter2\",\"mapper_url\":\"base64://e30=\",\"pkce\":\"hunter2\"}]";
    let told = told_refusal(&load_with(BASE, &[(PROVIDERS, text)]));
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].contains("providers.0.pkce") && told[0].contains(PROVIDERS) && told[0].contains("line 2 column "),
        "{told:?}"
    );
}

#[test]
fn a_list_that_the_file_used_to_complete_says_so_and_shows_the_way_out() {
    let without_mapper = ONE.replace(r#","mapper_url":"base64://e30=""#, "");
    let result = load_with(BASE, &[(PROVIDERS, &without_mapper)]);
    let told = told_refusal(&result);
    assert!(
        told[0].contains("missing_key") && told[0].contains("providers.0.mapper_url") && told[0].contains(PROVIDERS),
        "{told:?}"
    );
    let text = result.expect_err("refused").to_string();
    for needed in [
        "replaces the file's whole list",
        "SELFSERVICE_METHODS_OIDC_CONFIG_PROVIDERS_0_CLIENT_SECRET",
        "client_secret_file",
    ] {
        assert!(text.contains(needed), "{needed} is not in {text}");
    }
}

#[test]
fn variables_of_the_wrong_type_are_refused_by_name() {
    for (name, value) in [
        ("SERVE_PUBLIC_PORT", "hunter2"),
        ("SELFSERVICE_METHODS_OIDC_ENABLED", "hunter2"),
        ("SELFSERVICE_FLOWS_LOGIN_LIFESPAN", "hunter2"),
    ] {
        let told = told_refusal(&load_with(BASE, &[(name, value)]));
        assert!(told.len() == 1 && told[0].ends_with(&format!("environment variable {name}")), "{told:?}");
    }
}

#[test]
fn an_empty_dsn_variable_is_refused_although_the_file_has_one() {
    assert_eq!(told_refusal(&load_with(BASE, &[("DSN", "")])), ["dsn dsn environment variable DSN"]);
}

#[test]
fn a_one_word_variable_of_another_program_only_warns() {
    let loaded = load_with(BASE, &[("SESSION", "gnome"), ("LOG", "debug")]).expect("it loads");
    assert_eq!(loaded.warnings.len(), 2);
    let loaded = load_with(BASE, &[("SESSION", r#"{"lifespan":"2h"}"#)]).expect("it loads");
    assert_eq!(loaded.config.session.lifespan, Duration::from_secs(7200));
}

#[test]
fn keys_with_underscores_of_their_own_are_found() {
    let loaded =
        load_with(BASE, &[("FEATURE_FLAGS_CACHEABLE_SESSIONS_MAX_AGE", "5m"), ("SESSION_COOKIE_SAME_SITE", "None")])
            .expect("it loads");
    assert_eq!(loaded.config.feature_flags.cacheable_sessions_max_age, Some(Duration::from_secs(300)));
    assert_eq!(loaded.config.session_cookie().same_site, bia_config::SameSite::None);
}

#[test]
fn a_block_in_a_variable_is_merged_by_key() {
    let loaded = load_with(BASE, &[("SELFSERVICE_FLOWS_LOGIN", r#"{"lifespan":"3m"}"#)]).expect("it loads");
    assert_eq!(loaded.config.selfservice.flows.login.lifespan, Duration::from_secs(180));
    assert_eq!(loaded.config.selfservice.flows.login.ui_url, "https://app.contoso.com/login");
}
