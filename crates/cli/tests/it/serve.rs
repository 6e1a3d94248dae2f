//! `bia serve` and `bia migrate`: what stops a start, what is left behind, how it ends.

use crate::support::{Site, browser, run};
use std::os::unix::fs::PermissionsExt as _;

/// Nothing started means: no database, no secrets.
fn started_nothing(site: &Site) {
    for name in ["bia.sqlite", "bia.sqlite.secrets"] {
        assert!(!site.path(name).exists(), "{name} was made");
    }
}

#[test]
fn bad_configuration_exits_with_1_names_the_place_and_starts_nothing() {
    let site = Site::new();
    site.edit("    registration:\n", "    registrations:\n");
    let (code, out, err) = run(&mut site.command(&["serve", "-c", "kratos.yml"]));
    assert_eq!(code, 1);
    assert_eq!(out, "");
    assert!(err.contains("selfservice.flows.registrations: kratos.yml:"), "{err}");
    assert!(err.contains("registration"), "{err}");
    started_nothing(&site);
}

#[test]
fn missing_file_is_named() {
    let site = Site::new();
    let (code, _, err) = run(&mut site.command(&["serve", "-c", "absent.yml"]));
    assert_eq!(code, 1);
    assert!(err.contains("absent.yml"), "{err}");
}

#[test]
fn identifiers_of_the_try_out_are_refused_at_start_even_in_development() {
    for (from, to, key) in [
        ("00001111-aaaa-2222-bbbb-3333cccc4444", "B1A00000-0000-4000-8000-000000000002", "providers.0.client_id"),
        (
            "8eaef023-2b34-4da1-9baa-8bc8c9d6a490",
            "b1a00000-0000-4000-8000-000000000001",
            "providers.0.microsoft_tenant",
        ),
    ] {
        let site = Site::new();
        site.edit(from, to);
        let (code, _, err) = run(&mut site.command(&["serve", "-c", "kratos.yml", "--dev"]));
        assert_eq!(code, 1);
        assert!(err.contains(key) && err.contains("stand-in"), "{err}");
        started_nothing(&site);
    }
}

#[test]
fn strict_refuses_advice_that_a_plain_start_only_mentions() {
    let site = Site::new();
    site.edit("- hook: session", "[]");
    site.edit("          hooks:\n            []", "          hooks: []");
    let (code, _, err) = run(&mut site.command(&["serve", "-c", "kratos.yml", "--strict"]));
    assert_eq!(code, 1);
    assert!(err.contains("no_session_hook") && err.contains("--strict"), "{err}");
    started_nothing(&site);
}

#[tokio::test]
async fn strict_refuses_a_secret_that_stands_in_an_example_and_a_plain_start_only_mentions_it() {
    let example = "replace-with-64-random-hexadecimal-characters";
    let site = Site::new();
    let serve = |args: &[&str]| {
        let mut command = site.command(&[&["serve", "-c", "kratos.yml"], args].concat());
        command.env("SECRETS_DEFAULT", format!("[\"{example}\"]"));
        command
    };
    let (code, _, err) = run(&mut serve(&["--strict"]));
    assert_eq!(code, 1);
    assert!(err.contains("secrets.default.0 (environment variable SECRETS_DEFAULT"), "{err}");
    assert!(err.contains("secret_placeholder") && err.contains("--strict") && !err.contains(example), "{err}");
    started_nothing(&site);
    let running = crate::support::Running::start(serve(&[]), site.folder.path(), site.public, site.admin).await;
    let (code, log) = running.stop();
    assert_eq!(code, 0);
    assert!(log.contains("secret_placeholder") && !log.contains(example), "{log}");
}

#[test]
fn strict_refuses_a_mapper_that_does_not_parse() {
    let site = Site::new();
    site.write("microsoft.jsonnet", "{ identity: ");
    let (code, _, err) = run(&mut site.command(&["serve", "-c", "kratos.yml", "--strict"]));
    assert_eq!(code, 1);
    assert!(err.contains("mapper_syntax") && err.contains("microsoft.jsonnet:1:"), "{err}");
}

#[tokio::test]
async fn strict_refuses_a_secret_file_that_holds_none_and_a_plain_start_reports_it_and_serves() {
    let id = "c0ffee00-0000-4000-8000-000000000001";
    for (holds, said) in [(None, "No such file or directory"), (Some(id), "holds the id of a secret")] {
        let site = Site::new();
        site.edit("client_secret: not-a-real-secret-0123456789", "client_secret_file: entra");
        if let Some(text) = holds {
            site.write("entra", text);
        }
        let (code, _, err) = run(&mut site.command(&["serve", "-c", "kratos.yml", "--strict"]));
        assert_eq!(code, 1);
        assert!(err.contains("client_secret_file (kratos.yml:") && err.contains(said), "{err}");
        assert!(err.contains("secret_file") && err.contains("--strict") && !err.contains(id), "{err}");
        let running = site.serve(&[]).await;
        while !running.log().contains(said) {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        running.stop();
    }
}

#[tokio::test]
async fn plain_start_reports_a_mapper_that_does_not_parse_and_serves() {
    let site = Site::new();
    site.write("microsoft.jsonnet", "{ identity: ");
    let running = site.serve(&[]).await;
    while !running.log().contains("mapper_syntax") {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    running.stop();
}

#[tokio::test]
async fn start_makes_database_and_secret_for_their_owner_alone_and_says_the_callback() {
    let site = Site::new();
    let running = site.serve(&[]).await;
    for name in ["bia.sqlite", "bia.sqlite.secrets"] {
        let mode = site.path(name).metadata().expect(name).permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{name}");
    }
    let (code, log) = running.stop();
    assert_eq!(code, 0, "{log}");
    let callback = format!("http://127.0.0.1:{}/self-service/methods/oidc/callback/microsoft", site.public);
    assert!(log.contains(&callback), "{log}");
    assert!(log.contains("stopped"), "{log}");
}

#[tokio::test]
async fn a_secret_of_its_own_making_is_nothing_to_reload_for() {
    let pause = || tokio::time::sleep(std::time::Duration::from_secs(2));
    let site = Site::new();
    let running = site.serve(&[]).await;
    assert!(site.path("bia.sqlite.secrets").exists());
    pause().await;
    assert!(!running.log().contains("reloaded"), "{}", running.log());
    running.stop();

    // The same when a reload makes one.
    std::fs::remove_file(site.path("bia.sqlite.secrets")).expect("removed");
    let secrets = "secrets: { default: [a-secret-of-more-than-16-characters] }\n";
    site.write("kratos.yml", &format!("{}{secrets}", site.kratos_yml()));
    let running = site.serve(&[]).await;
    assert!(!site.path("bia.sqlite.secrets").exists());
    site.edit(secrets, "");
    while !running.log().contains("reloaded") {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert!(site.path("bia.sqlite.secrets").exists());
    pause().await;
    assert_eq!(running.log().matches("reloaded").count(), 1, "{}", running.log());
    running.stop();
}

#[tokio::test]
async fn restart_keeps_the_generated_secret_and_needs_no_repair() {
    let site = Site::new();
    site.serve(&[]).await.stop();
    let secret = std::fs::read(site.path("bia.sqlite.secrets")).expect("secret");
    site.serve(&[]).await.stop();
    assert_eq!(std::fs::read(site.path("bia.sqlite.secrets")).expect("secret"), secret);
}

#[test]
fn without_a_place_for_secrets_nothing_starts_outside_development() {
    let site = Site::new();
    site.edit("sqlite://bia.sqlite?_fk=true", "memory");
    let (code, _, err) = run(&mut site.command(&["serve", "-c", "kratos.yml"]));
    assert_eq!(code, 1);
    assert!(err.contains("secrets.default") && err.contains("SECRETS_DEFAULT"), "{err}");
}

#[tokio::test]
async fn development_serves_from_memory_without_secrets() {
    let site = Site::new();
    site.edit("sqlite://bia.sqlite?_fk=true", "memory");
    let (code, log) = site.serve(&["--dev"]).await.stop();
    assert_eq!(code, 0);
    assert!(log.contains("secrets.default is not set"), "{log}");
    started_nothing(&site);
}

#[test]
fn a_file_of_somebody_else_is_refused_untouched() {
    let site = Site::new();
    site.write("bia.sqlite", "these are my notes, not a database, and long enough to look like something");
    let before = std::fs::read(site.path("bia.sqlite")).expect("file");
    let (code, _, err) = run(&mut site.command(&["serve", "-c", "kratos.yml"]));
    assert_eq!(code, 1);
    assert!(err.contains("no SQLite database"), "{err}");
    assert_eq!(std::fs::read(site.path("bia.sqlite")).expect("file"), before);
    assert!(!site.path("bia.sqlite.secrets").exists());
}

#[tokio::test]
async fn a_port_that_is_taken_is_named_by_its_key() {
    let site = Site::new();
    let _taken = std::net::TcpListener::bind(("127.0.0.1", site.public)).expect("port");
    let (code, _, err) = run(&mut site.command(&["serve", "-c", "kratos.yml"]));
    assert_eq!(code, 1);
    assert!(err.contains("serve.public") && err.contains(&site.public.to_string()), "{err}");
}

#[tokio::test]
async fn admin_port_beyond_loopback_is_warned_about() {
    let site = Site::new();
    site.edit(&format!("host: 127.0.0.1, port: {} ", site.admin), &format!("host: 0.0.0.0, port: {} ", site.admin));
    let (_, log) = site.serve(&[]).await.stop();
    assert!(log.contains("admin port has no authentication"), "{log}");
}

#[tokio::test]
async fn variables_win_over_the_file_and_their_values_stay_out_of_the_log() {
    let site = Site::new();
    let mut command = site.command(&["serve", "-c", "kratos.yml"]);
    command.env("SELFSERVICE_METHODS_OIDC_CONFIG_PROVIDERS_0_ID", "contoso");
    command.env("SELFSERVICE_METHODS_OIDC_CONFIG_PROVIDERS_0_CLIENT_SECRET", "hunter2-hunter2-hunter2");
    command.env("LOG_FORMAT", "json");
    let running = crate::support::Running::start(command, site.folder.path(), site.public, site.admin).await;
    let (_, log) = running.stop();
    assert!(log.contains("/callback/contoso"), "{log}");
    assert!(!log.contains("hunter2"), "{log}");
    assert!(log.lines().all(|line| line.starts_with('{')), "{log}");
}

#[tokio::test]
async fn unmigrated_database_is_served_but_not_ready_when_asked_to_leave_it() {
    let site = Site::new();
    let mut child = site
        .command(&["serve", "-c", "kratos.yml", "--no-migrate"])
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("started");
    let ready = format!("http://127.0.0.1:{}/health/ready", site.admin);
    let status = loop {
        if let Ok(answer) = browser().get(&ready).send().await {
            break answer.status().as_u16();
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    };
    assert_eq!(status, 503);
    let (code, out, _) = run(&mut site.command(&["migrate", "sql", "status", "sqlite://bia.sqlite"]));
    assert_eq!(code, 1);
    assert!(out.contains("Pending"), "{out}");
    let (code, _, _) = run(&mut site.command(&["migrate", "sql", "sqlite://bia.sqlite", "--yes"]));
    assert_eq!(code, 0);
    assert_eq!(browser().get(&ready).send().await.expect("answer").status().as_u16(), 200);
    child.kill().expect("killed");
    child.wait().expect("ended");
}

#[test]
fn migrate_takes_the_database_from_the_environment_and_asks_nobody_who_is_not_there() {
    let site = Site::new();
    let (code, _, err) = run(site.command(&["migrate", "sql", "-e"]).env("DSN", "sqlite://e.sqlite"));
    assert_eq!(code, 1);
    assert!(err.contains("--yes"), "{err}");
    let (code, out, _) = run(site.command(&["migrate", "sql", "-e", "-y"]).env("DSN", "sqlite://e.sqlite"));
    assert_eq!(code, 0);
    assert!(out.contains("applied 0001_initial"), "{out}");
    let (code, out, _) = run(site.command(&["migrate", "sql", "up", "-e", "-y"]).env("DSN", "sqlite://e.sqlite"));
    assert_eq!(code, 0);
    assert!(out.contains("up to date"), "{out}");
    let (code, _, err) = run(site.command(&["migrate", "sql", "down", "-e", "-y"]).env("DSN", "sqlite://e.sqlite"));
    assert_eq!(code, 1);
    assert!(err.contains("forward"), "{err}");
    let (code, _, err) = run(&mut site.command(&["migrate", "sql"]));
    assert_eq!(code, 1);
    assert!(err.contains("which database"), "{err}");
}

#[test]
fn cleanup_counts_what_it_removed() {
    let site = Site::new();
    run(&mut site.command(&["migrate", "sql", "-y", "sqlite://c.sqlite"]));
    let (code, out, err) =
        run(site.command(&["cleanup", "sql", "--json", "--keep-last", "1h"]).env("DSN", "sqlite://c.sqlite"));
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("\"sessions\": 0"), "{out}");
    let (code, _, err) = run(&mut site.command(&["cleanup", "sql", "sqlite://c.sqlite", "--keep-last", "soon"]));
    assert_eq!(code, 1);
    assert!(err.contains("--keep-last"), "{err}");
}
