//! Any file and any environment loads or is refused, without a panic and without a word of a secret.

use super::{BASE, load_with};
use bia_config::{ConfigErrors, Dsn, LoadInput, Loaded, Source, duration, load};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::RngSeed;
use serde_json::{Value, json};
use std::time::Duration;

/// Every secret of the base configuration has it, and every value that is made up here.
const SECRET: &str = "hunter2";

/// The same cases in every run; `PROPTEST_CASES` goes further. A load costs milliseconds, so there are fewer of them.
fn config(share: u32) -> ProptestConfig {
    let defaults = ProptestConfig::default();
    ProptestConfig {
        cases: (defaults.cases / share).max(1),
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(1),
        ..defaults
    }
}

/// Whatever came of a load may be printed.
fn tells_no_secret(outcome: &Result<Loaded, ConfigErrors>) -> Result<(), TestCaseError> {
    let told = match outcome {
        Ok(loaded) => {
            let findings = loaded.warnings.iter().chain(&loaded.advice).chain(&loaded.needs_restart);
            let findings: String = findings.map(|finding| format!("{finding} {finding:?}")).collect();
            format!("{findings} {:?}", loaded.config.secrets)
        }
        Err(errors) => {
            prop_assert!(!errors.errors().is_empty(), "a refusal says why");
            format!("{errors} {errors:?}")
        }
    };
    prop_assert!(!told.contains(SECRET), "a secret is printed: {}", told);
    Ok(())
}

fn file_name() -> impl Strategy<Value = &'static str> {
    select(vec!["kratos.yml", "kratos.yaml", "kratos.json", "kratos.toml", "kratos.txt", "kratos"])
}

/// Broken YAML, JSON and TOML, nearly.
fn text() -> impl Strategy<Value = String> {
    let pieces = vec![
        "serve:",
        "\n",
        "  ",
        "- ",
        "public",
        ": ",
        "{",
        "}",
        "[",
        "]",
        "\"",
        "'",
        "hunter2",
        "&a ",
        "*a",
        "<<: ",
        "!!binary ",
        "|\n",
        ">",
        "# ",
        "---\n",
        "...\n",
        "null",
        "~",
        "true",
        "0x1f",
        "1e999",
        ".inf",
        "= ",
        "[[a]]\n",
        "a.b = 1\n",
        "\\u0000",
        "\t",
        ",",
        "secrets",
        "dsn: ",
        "? ",
        "%YAML 1.2\n",
        "\u{feff}",
        "\u{1F980}",
    ];
    prop_oneof![3 => vec(select(pieces), 0..40).prop_map(|pieces| pieces.concat()), 1 => any::<String>()]
}

/// The base configuration after somebody with a heavy hand has edited it.
fn edited() -> impl Strategy<Value = String> {
    let values = vec![
        "hunter2",
        "[hunter2]",
        "{ a: hunter2 }",
        "\"hunter2\"",
        "-1",
        "99999999999999999999",
        "true",
        "~",
        "10m",
        "hunter2://x",
        "[]",
        "{}",
        "https://hunter2@x/",
        "base64://!hunter2",
        "*hunter2",
    ];
    let edit = (any::<Index>(), 0..6_u8, any::<Index>(), select(values));
    vec(edit, 1..6).prop_map(|edits| {
        let mut lines: Vec<String> = BASE.lines().map(str::to_owned).collect();
        for (at, how, other, value) in edits {
            let (at, other) = (at.index(lines.len()), other.index(lines.len()));
            match how {
                0 if lines.len() > 1 => drop(lines.remove(at)),
                1 => lines.insert(other, lines[at].clone()),
                2 => lines.swap(at, other),
                3 => lines[at].insert_str(0, "  "),
                4 => {
                    let (key, _) = lines[at].split_once(':').unwrap_or(("          - id", ""));
                    lines[at] = format!("{key}: {value}");
                }
                _ => lines[at] = lines[at].trim_start().to_owned(),
            }
        }
        lines.join("\n")
    })
}

fn variable() -> impl Strategy<Value = (String, String)> {
    let names = vec![
        "SERVE_PUBLIC_PORT",
        "SERVE_PUBLIC_BASE_URL",
        "SECRETS_DEFAULT",
        "SECRETS_COOKIE_0",
        "SECRETS_COOKIE_7",
        "DSN",
        "DEV",
        "SESSION_LIFESPAN",
        "SELFSERVICE_METHODS_OIDC_CONFIG_PROVIDERS",
        "SELFSERVICE_METHODS_OIDC_CONFIG_PROVIDERS_0_CLIENT_SECRET",
        "SELFSERVICE_METHODS_OIDC_CONFIG_PROVIDERS_1",
        "SELFSERVICE_METHODS_OIDC_CONFIG_PROVIDERS_9_ID",
        "SELFSERVICE_METHODS",
        "SELFSERVICE_ALLOWED_RETURN_URLS",
        "SELFSERVICE_FLOWS_LOGIN_AFTER_HOOKS",
        "IDENTITY_SCHEMAS",
        "IDENTITY_SCHEMAS_0_URL",
        "COOKIES_SAME_SITE",
        "SERVE",
        "CIPHERS_ALGORITHM",
        "PATH",
        "",
        "_",
        "SERVE__PUBLIC",
        "BIA_TRUSTED_PROXIES",
    ];
    let values = vec![
        "hunter2",
        "",
        "1",
        "-1",
        "true",
        "[]",
        "{}",
        "[\"hunter2\"]",
        "[{\"id\":\"hunter2\"}]",
        "{\"hunter2\":",
        "null",
        "10m",
        "hunter2://hunter2",
        "a,hunter2 ,,",
        "[[[[[]]]]]",
        "\"hunter2\"",
        "99999999999999999999",
        "sqlite://hunter2",
        "postgres://a:hunter2@b/c?d=hunter2",
    ];
    let part = "(SERVE|PUBLIC|SELFSERVICE|FLOWS|OIDC|CONFIG|PROVIDERS|[0-9]{1,20}|MICROSOFT|ID)";
    let name =
        prop_oneof![4 => select(names).prop_map(str::to_owned), 1 => vec(part, 1..7).prop_map(|parts| parts.join("_"))];
    let value = prop_oneof![
        4 => select(values).prop_map(str::to_owned),
        1 => any::<String>().prop_map(|text| text + SECRET),
    ];
    (name, value)
}

/// A key, its value in a file, and the same in a variable.
fn same_twice() -> impl Strategy<Value = (&'static str, &'static str, Value, String)> {
    let durations = vec!["1s", "10m", "1h30m", "720h"];
    let entry = |path, name| move |(value, text): (Value, String)| (path, name, value, text);
    let plain = |value: Value| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        (value, text)
    };
    let texts = vec("https://[a-z]{1,8}\\.example", 1..4).prop_map(|list| (json!(list), list.join(",")));
    prop_oneof![
        (1..=65_535_u16)
            .prop_map(move |port| plain(json!(port)))
            .prop_map(entry("serve.public.port", "SERVE_PUBLIC_PORT")),
        select(durations.clone())
            .prop_map(move |text| plain(json!(text)))
            .prop_map(entry("session.lifespan", "SESSION_LIFESPAN")),
        select(durations).prop_map(move |text| plain(json!(text))).prop_map(entry(
            "selfservice.flows.settings.privileged_session_max_age",
            "SELFSERVICE_FLOWS_SETTINGS_PRIVILEGED_SESSION_MAX_AGE"
        )),
        any::<bool>()
            .prop_map(move |on| plain(json!(on)))
            .prop_map(entry("selfservice.flows.registration.enabled", "SELFSERVICE_FLOWS_REGISTRATION_ENABLED")),
        texts.prop_map(entry("selfservice.allowed_return_urls", "SELFSERVICE_ALLOWED_RETURN_URLS")),
        select(vec!["Lax", "Strict", "None"])
            .prop_map(move |text| plain(json!(text)))
            .prop_map(entry("cookies.same_site", "COOKIES_SAME_SITE")),
        "[a-zA-Z ]{1,12}".prop_map(move |text| plain(json!(text))).prop_map(entry(
            "selfservice.methods.oidc.config.providers.0.label",
            "SELFSERVICE_METHODS_OIDC_CONFIG_PROVIDERS_0_LABEL"
        )),
    ]
}

proptest! {
    #![proptest_config(config(4))]

    #[test]
    fn any_text_is_read_or_refused(name in file_name(), text in text()) {
        if let Err(errors) = load(LoadInput { texts: vec![(name.into(), text)], ..LoadInput::default() }) {
            prop_assert!(!errors.errors().is_empty(), "a refusal says why");
        }
    }

    #[test]
    fn an_edited_configuration_loads_or_says_where_it_is_wrong(text in edited()) {
        tells_no_secret(&load_with(&text, &[]))?;
    }

    #[test]
    fn any_environment_is_read_or_refused(variables in vec(variable(), 0..6)) {
        let env: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        tells_no_secret(&load_with(BASE, &env))?;
    }

    #[test]
    fn a_key_means_the_same_in_a_file_and_in_a_variable((path, name, value, text) in same_twice()) {
        let by_key = load(LoadInput {
            texts: vec![("kratos.yml".into(), BASE.to_owned())],
            overrides: vec![(path.to_owned(), value)],
            ..LoadInput::default()
        });
        let by_variable = load_with(BASE, &[(name, &text)]);
        prop_assert_eq!(format!("{:?}", by_key.unwrap().config), format!("{:?}", by_variable.unwrap().config));
    }
}

proptest! {
    #![proptest_config(config(1))]

    #[test]
    fn a_duration_is_read_back_as_it_was_written(nanoseconds in any::<u64>(), text in "([0-9]{1,12}(ns|us|ms|s|m|h|d)?){0,4}") {
        let duration = Duration::from_nanos(nanoseconds);
        prop_assert_eq!(duration::parse(&duration::format(duration)), Some(duration));
        if let Some(read) = duration::parse(&text) {
            prop_assert_eq!(duration::parse(&duration::format(read)), Some(read));
        }
    }

    #[test]
    fn a_dsn_never_shows_its_password(
        text in "(postgres|postgresql|sqlite|mysql|memory|cockroach|x)?(:|://|//)?([a-z]{0,4}(:hunter2[^@ /]{0,4})?@)?[a-z0-9.:/\\[\\]-]{0,16}(\\?([a-z_]{1,12}=[a-z0-9%]{0,6}&?){0,3})?"
    ) {
        // A file may be called anything.
        prop_assume!(!text.starts_with("sqlite"));
        match Dsn::parse(&text) {
            Ok(dsn) => prop_assert!(!format!("{dsn} {dsn:?}").contains(SECRET), "{} {:?}", dsn, dsn),
            Err(error) => prop_assert!(!format!("{error} {error:?}").contains(SECRET), "{} {:?}", error, error),
        }
    }

    #[test]
    fn a_source_is_written_as_it_was_read(text in "(base64://|file://|https?://|\\{)?[ -~]{0,24}") {
        let source = Source::parse(&text);
        prop_assert_eq!(Source::parse(&source.to_text()).to_text(), source.to_text());
        let _ = source.decode();
    }
}
