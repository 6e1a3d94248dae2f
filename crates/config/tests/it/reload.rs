//! A configuration beside the one that is served, and what both consist of.

use bia_config::{Config, Dsn, ExposeSecret as _, LoadInput, Loaded, TextKind, load};

use super::{BASE, edited, load_edited, told};

fn reloaded(text: &str, running: &Config) -> Loaded {
    let texts = vec![("kratos.yml".into(), text.to_owned())];
    load(LoadInput { texts, running: Some(running), ..LoadInput::default() })
        .unwrap_or_else(|errors| panic!("{errors}"))
}

#[test]
fn an_unchanged_configuration_needs_no_restart() {
    let running = load_edited(&[]).expect("it loads").config;
    assert_eq!(told(&reloaded(BASE, &running).needs_restart), Vec::<String>::new());
}

#[test]
fn what_cannot_change_while_serving_is_named_with_its_line_and_keeps_its_value() {
    let no_base_url = ("    base_url: http://127.0.0.1:4433/\n", "");
    let tracing = |header: &str| {
        let otlp = format!("{{ authorization_header: {header}-header }}");
        format!("version: v1.3.0\ntracing: {{ provider: otel, providers: {{ otlp: {otlp} }} }}")
    };
    let rest = "log: { level: debug }\nbia: { audit: { personal_data: true } }";
    let running = load_edited(&[no_base_url, ("port: 4433", "port: 5433"), ("version: v1.3.0", &tracing("old"))]);
    let running = running.expect("it loads").config;
    let text = edited(&[
        no_base_url,
        ("port: 4433", "port: 6433\n  admin: { host: 127.0.0.1 }"),
        ("version: v1.3.0", &format!("{}\n{rest}", tracing("new"))),
        ("sqlite://bia.sqlite?_fk=true&mode=rwc", "sqlite://other.sqlite"),
    ]);
    let loaded = reloaded(&text, &running);
    let mut found = told(&loaded.needs_restart);
    found.sort();
    let keys: Vec<_> = found.iter().filter_map(|line| line.split(' ').nth(1)).collect();
    assert_eq!(keys, ["bia.audit", "dsn", "log", "serve.admin.host", "serve.public.port", "tracing"]);
    assert!(found.iter().all(|line| line.contains(" kratos.yml:")), "{found:?}");
    let config = loaded.config;
    assert_eq!((config.serve.public.port, config.serve.admin.host.as_str()), (5433, "0.0.0.0"));
    assert!(matches!(config.dsn, Dsn::Sqlite { path, .. } if path.ends_with("bia.sqlite")));
    assert_eq!((&config.log, &config.bia.audit), (&running.log, &running.bia.audit));
    let header = config.tracing.providers.otlp.authorization_header.as_ref().map(|header| header.expose_secret());
    assert_eq!(header, Some("old-header"));
    assert!(!found.iter().any(|line| line.contains("-header")), "{found:?}");
    // Addresses that follow the port follow the one in use.
    assert_eq!(config.serve.public.base_url, running.serve.public.base_url);
}

#[test]
fn every_text_that_is_named_is_listed_with_its_key() {
    let hook = "hooks: [{ hook: web_hook, config: { url: 'https://h.example/', method: POST, body: body.jsonnet } }]";
    let tokenizer = "session: { whoami: { tokenizer: { templates: { app: { jwks_url: 'file://keys.json', claims_mapper_url: 'file://app.jsonnet' } } } } }";
    let loaded =
        load_edited(&[("      after:\n", &format!("      after:\n        {hook}\n")), ("version: v1.3.0", tokenizer)]);
    let config = loaded.expect("it loads").config;
    let files: Vec<_> = config
        .texts()
        .into_iter()
        .filter_map(|text| Some((text.key, text.source.path()?.display().to_string(), text.kind)))
        .collect();
    let listed = |key: &str, path: &str, kind| files.contains(&(key.to_owned(), path.to_owned(), kind));
    let template = "session.whoami.tokenizer.templates.app";
    assert!(listed(&format!("{template}.jwks_url"), "keys.json", TextKind::Keys), "{files:?}");
    assert!(listed(&format!("{template}.claims_mapper_url"), "app.jsonnet", TextKind::Jsonnet), "{files:?}");
    let body = "selfservice.flows.registration.after.hooks.0.config.body";
    assert!(listed(body, "body.jsonnet", TextKind::Jsonnet), "{files:?}");
}

#[test]
fn the_mode_of_a_socket_is_read_as_it_is_written_for_kratos() {
    let mode = |written: &str| {
        let socket = format!("serve:\n  admin: {{ socket: {{ mode: {written} }} }}\n");
        load_edited(&[("serve:\n", &socket)]).map(|loaded| loaded.config.serve.admin.socket.mode)
    };
    for (written, meant) in [("0755", 0o755), ("0o640", 0o640), ("493", 0o755), ("'0600'", 0o600), ("0", 0)] {
        assert_eq!(mode(written).ok(), Some(meant), "{written}");
    }
    for wrong in ["755", "'755'", "0888", "rw", "01777", "-1", "07.5"] {
        assert!(mode(wrong).is_err(), "{wrong}");
    }
}
