//! What `config check --for kratos` lists.

use bia_config::for_kratos;

use super::{BASE, load_edited, load_with, told};

#[test]
fn a_kratos_file_has_nothing_that_kratos_refuses() {
    assert_eq!(told(&for_kratos(&load_with(BASE, &[]).expect("it loads"))), Vec::<String>::new());
}

#[test]
fn own_keys_and_values_are_listed_with_their_place() {
    let loaded = load_edited(&[
        ("version: v1.3.0", "bia: { capture: 'on' }"),
        ("            client_secret: hunter2-generic\n", "            client_secret_file: /run/secrets/generic\n"),
        ("scope: [profile, email]", "subject_source: tid_oid"),
    ])
    .expect("it loads");
    let mut told = told(&for_kratos(&loaded));
    told.sort();
    assert_eq!(
        told,
        [
            "kratos_key bia kratos.yml:1:1",
            "kratos_key selfservice.methods.oidc.config.providers.1.client_secret_file kratos.yml:26:13",
            "kratos_missing selfservice.methods.oidc.config.providers.1.client_secret kratos.yml:23:13",
            "kratos_value selfservice.methods.oidc.config.providers.0.subject_source kratos.yml:22:29",
        ]
    );
}

#[test]
fn a_list_variable_that_kratos_merges_is_listed() {
    let loaded = load_with(BASE, &[("SELFSERVICE_METHODS_OIDC_CONFIG_PROVIDERS", "[]")]).expect("it loads");
    assert_eq!(for_kratos(&loaded).len(), 1);
}

#[test]
fn a_web_hook_that_kratos_never_runs_is_listed() {
    let hook = "{ hook: web_hook, config: { url: 'https://h.example/', method: POST, response: { parse: true } } }";
    let lists = format!("      after:\n        hooks: [{hook}]\n");
    let loaded = load_edited(&[("      after:\n", lists.as_str())]).expect("it loads");
    let expected = "kratos_web_hook selfservice.flows.registration.after.hooks.0 kratos.yml:35:17";
    assert_eq!(told(&for_kratos(&loaded)), [expected]);
}
