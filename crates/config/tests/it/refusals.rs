//! What is refused at start, each with the place that is named.

mod cases;

use cases::{Case, HOOK, KRATOS, OWN, TENANT};

use super::{BASE, edited, load_edited, load_with, told_refusal};

#[test]
fn the_base_configuration_loads_without_a_word() {
    let loaded = load_with(BASE, &[]).expect("it loads");
    assert_eq!(super::told(&loaded.warnings), Vec::<String>::new());
    assert_eq!(super::told(&loaded.advice), Vec::<String>::new());
}

#[test]
fn what_kratos_refuses_is_refused_with_its_place() {
    each(KRATOS);
}

#[test]
fn what_bia_refuses_is_refused_with_its_place() {
    each(OWN);
}

fn each(cases: &[Case]) {
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|(name, edits, expected)| {
            let told = told_refusal(&load_edited(edits));
            (!told.iter().any(|line| line == expected))
                .then(|| format!("{name}:\n  expected {expected}\n  but got  {told:?}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn several_errors_are_reported_together() {
    let told = told_refusal(&load_edited(&[
        ("version: v1.3.0\n", "nonsense: 1\n"),
        ("port: 4433", "port: http"),
        (TENANT, ""),
        ("lifespan: 10m", "lifespan: 1d"),
        (HOOK, "            - hook: sesion\n"),
    ]));
    let codes: Vec<&str> = told.iter().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(codes, ["unknown_key", "wrong_type", "missing_key", "wrong_form", "unknown_hook"], "{told:?}");
}

#[test]
fn misspelt_keys_values_and_hooks_get_the_nearest_known_name() {
    for (edits, hint) in [
        (&[("client_id: contoso-client", "cilent_id: contoso-client")][..], "Did you mean `client_id`?"),
        (&[("lifespan: 10m", "lifespan: 10m\n      uiurl: /x")], "Did you mean `ui_url`?"),
        (&[("issuer_url:", "pkce: Force\n            issuer_url:")], "Did you mean `force`?"),
        (&[("- hook: session", "- hook: sesion")], "Did you mean `session`?"),
        (&[("provider: generic", "provider: Generic")], "Did you mean `generic`?"),
        (&[("version: v1.3.0", "whoami: {}")], "`whoami` belongs under `session`."),
    ] {
        let errors = load_edited(edits).expect_err(hint).to_string();
        assert!(errors.contains(hint), "{hint} is not in {errors}");
    }
}

#[test]
fn the_text_has_kratos_first_line_and_an_arrow_below_the_key() {
    let errors = load_edited(&[("lifespan: 10m", "lifespan: ten minutes")]).expect_err("refused").to_string();
    let expected = "The configuration contains values or keys which are invalid:\n\
        \n\
        selfservice.flows.login.lifespan: kratos.yml:32:17\n\
        \x20                                 ^-- does not match pattern \"^([0-9]+(ns|us|ms|s|m|h))+$\"\n\
        \x20                                     Write a number and a unit: `10m`, `24h` or `1h30m`. Days are hours here: `720h`.\n";
    assert_eq!(errors, expected);
}

#[test]
fn a_provider_of_kratos_that_speaks_openid_connect_gets_the_generic_settings() {
    let errors = load_edited(&[("provider: generic", "provider: auth0")]).expect_err("refused").to_string();
    assert!(
        errors.contains("provider: generic") && errors.contains("issuer_url: https://<your tenant>.auth0.com/"),
        "{errors}"
    );
    let errors = load_edited(&[("provider: generic", "provider: vk")]).expect_err("refused").to_string();
    assert!(errors.contains("does not speak OpenID Connect"), "{errors}");
}

#[test]
fn no_wrong_value_is_ever_printed() {
    let shouted =
        BASE.replace("base64://e30=", "hunter2").replace("10m", "hunter2").replace("port: 4433", "port: hunter2");
    let shouted = shouted
        .replace("hook: session", "hook: hunter2")
        .replace("v1.3.0", "hunter2")
        .replace("algorithm: xchacha20-poly1305", "algorithm: hunter2");
    let shouted =
        shouted.replace("scope: [profile, email]", "scope: hunter2").replace("provider: generic", "provider: hunter2");
    assert!(told_refusal(&load_with(&shouted, &[])).len() >= 8);
}

#[test]
fn no_secret_is_in_the_debug_output_of_what_was_loaded() {
    let hook = "            - hook: web_hook\n              config: { method: POST, url: https://h.example/, headers: { X-Key: hunter2 }, auth: { type: basic_auth, config: { user: u, password: hunter2 } } }\n            - hook: session\n";
    let text = edited(&[
        (HOOK, hook),
        ("sqlite://bia.sqlite?_fk=true&mode=rwc", "postgres://bia:hunter2@db/bia"),
        (
            "version: v1.3.0",
            "oauth2_provider: { url: https://hydra.example, headers: { Authorization: hunter2 } }\ncourier: { smtp: { connection_uri: 'smtp://u:hunter2@mail/' } }",
        ),
        ("hunter2-generic", "hunter2-generic\n            client_secrets: [hunter2-next]"),
    ]);
    let loaded = load_with(&text, &[]).expect("it loads");
    let printed = format!("{loaded:?} {:#?}", loaded.config);
    assert!(!printed.contains("hunter2"), "{printed}");
}

#[test]
fn an_extra_hook_loads_only_where_the_binary_has_it() {
    let text = edited(&[(
        HOOK,
        "            - hook: greet\n              config: { text: hello }\n            - hook: session\n",
    )]);
    assert!(load_with(&text, &[]).is_err());
    let loaded = bia_config::load(bia_config::LoadInput {
        texts: vec![("kratos.yml".into(), text)],
        extra_hooks: &["greet"],
        ..Default::default()
    })
    .expect("it loads");
    let hooks = &loaded.config.selfservice.flows.registration.after.oidc.hooks;
    assert!(
        matches!(&hooks[0], bia_config::Hook::Other { name, config } if name == "greet" && config["text"] == "hello")
    );
}

#[test]
fn one_domain_leads_to_one_provider_however_it_is_written() {
    let second = "          - { id: other, provider: microsoft, client_id: x, client_secret: y, microsoft_tenant: common, mapper_url: 'base64://e30=', microsoft: { home_realm_domains: [CONTOSO.com] } }\n          - id: microsoft\n";
    let first = format!("{TENANT}            microsoft: {{ home_realm_domains: [contoso.com] }}\n");
    let errors = load_edited(&[("          - id: microsoft\n", second), (TENANT, &first)]).expect_err("refused");
    let text = errors.to_string();
    assert!(text.contains("`other`") && text.contains("`microsoft`") && text.contains("claim this domain"), "{text}");
}
