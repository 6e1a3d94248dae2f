//! `bia doctor` and `bia migrate subjects` as processes, beside a server and a stand-in that judge what they say.

use bia_e2e::{Bia, Browser, Site, TEST_CLIENT_ID, TEST_CLIENT_SECRET, until};
use bia_fake_entra::Client;
use serde_json::{Value, json};

/// The exit code and the report.
fn doctor(site: &Site, more: &[&str]) -> (Option<i32>, Value) {
    let mut process = Bia::spawn(site, "bia-under-test", &[&["doctor", "--json"], more, &["-c"]].concat());
    let ended = process.wait();
    let report = serde_json::from_str(&ended.log).unwrap_or_else(|_| panic!("no JSON: {}", ended.log));
    (ended.code, report)
}

fn findings<'r>(report: &'r Value, code: &str) -> Vec<&'r Value> {
    report["findings"].as_array().expect("findings").iter().filter(|finding| finding["code"] == code).collect()
}

/// A mapper that the linter likes, since the doctor asks it.
const MAPPER: &str = "local claims = std.extVar('claims');
{ identity: { traits: { [if 'email' in claims then 'email']: claims.email } } }
";

async fn site() -> Site {
    let site = Site::new().await;
    site.write("person.jsonnet", MAPPER);
    site
}

/// What the stand-in answers to a sign-in when exactly this address is registered.
async fn at_the_provider(site: &Site, bia: &Bia, registered: &str) -> bia_e2e::Answer {
    let mut client = Client::new(TEST_CLIENT_ID, TEST_CLIENT_SECRET);
    client.redirect_uris = Some(vec![registered.to_owned()]);
    site.control().put_client(client);
    let browser = site.browser("alice");
    let flow = browser.begin(bia, "login").await;
    let url = browser.press(&flow, "microsoft").await;
    browser.get(url.as_str()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a4_the_callback_that_doctor_prints_is_the_one_to_register_and_no_other_string_is() {
    let site = site().await;
    let (_, report) = doctor(&site, &["--offline"]);
    let told = findings(&report, "callback");
    let what = told.iter().filter_map(|finding| finding["what"].as_str()).find(|what| what.contains("`microsoft`"));
    let callback = what.and_then(|what| what.rsplit(' ').next()).expect("a callback").to_owned();
    let bia = site.start().await;
    let answer = at_the_provider(&site, &bia, &callback).await;
    assert!(answer.location().as_str().starts_with(&callback), "{answer:?}");
    for other in [
        format!("{callback}/"),
        callback.replace("/callback/microsoft", "/callback/Microsoft"),
        callback.replace("127.0.0.1", "localhost"),
        callback.replace("http://", "https://"),
        format!("{callback}?x=1"),
    ] {
        let answer = at_the_provider(&site, &bia, &other).await;
        assert!(answer.body.contains("AADSTS50011"), "{other}: {answer:?}");
    }
    bia.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a7_a_renamed_provider_is_told_and_refused_under_strict_until_an_alias_names_it() {
    let mut site = site().await;
    let bia = site.start().await;
    let alice = site.browser("alice").signed_in(&bia, "microsoft").await["identity"]["id"].clone();
    bia.stop();
    let providers = &mut site.config["selfservice"]["methods"]["oidc"]["config"]["providers"];
    providers[0]["id"] = json!("entra");
    let (code, report) = doctor(&site, &["--offline"]);
    let told = findings(&report, "renamed_provider");
    assert!(code == Some(1) && told.len() == 1, "{report}");
    assert!(
        told[0]["what"]
            .as_str()
            .is_some_and(|what| what.starts_with("1 link(s) belong to the provider id `microsoft`"))
    );
    let ended = Bia::spawn(&site, "bia-under-test", &["serve", "--strict", "-c"]).wait();
    assert!(ended.code == Some(1) && ended.log.contains("renamed_provider"), "{}", ended.log);
    let bia = site.start().await;
    assert!(bia.log().contains("renamed_provider"), "without --strict it is told at start: {}", bia.log());
    bia.stop();
    site.provider("entra", json!({ "aliases": ["microsoft"] }));
    let (code, report) = doctor(&site, &["--offline"]);
    assert!(code == Some(0) && findings(&report, "renamed_provider").is_empty(), "{report}");
    let bia = site.start().await;
    assert_eq!(site.browser("alice").signed_in(&bia, "entra").await["identity"]["id"], alice);
    assert!(!bia.log().contains("renamed_provider"), "{}", bia.log());
    bia.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn h1_without_the_session_hook_people_end_signed_out_and_doctor_says_so_before() {
    let mut site = site().await;
    assert!(findings(&doctor(&site, &["--offline"]).1, "no_session_hook").is_empty());
    site.change(json!({ "selfservice": { "flows": { "registration": { "after": { "oidc": { "hooks": [] } } } } } }));
    let (_, report) = doctor(&site, &["--offline"]);
    assert_eq!(findings(&report, "no_session_hook").len(), 1, "{report}");
    let bia = site.start().await;
    let alice = site.browser("alice");
    alice.sign_in(&bia, "microsoft").await;
    assert!(alice.whoami(&bia).await.is_none(), "registered, and signed out");
    bia.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn k7_before_the_start_and_beside_a_server_that_runs() {
    let mut site = site().await;
    let (code, report) = doctor(&site, &[]);
    assert_eq!(code, Some(0), "{report}");
    assert_eq!((&report["format"], &report["healthy"]), (&json!(1), &json!(true)));
    assert_eq!(findings(&report, "database_new").len(), 1, "{report}");
    assert!(
        findings(&report, "port")
            .iter()
            .all(|port| port["what"].as_str().is_some_and(|what| what.ends_with("is free")))
    );
    assert!(!site.path("bia.sqlite").exists(), "a doctor makes no database");
    let bia = site.start().await;
    site.browser("alice").signed_in(&bia, "microsoft").await;
    let (code, report) = doctor(&site, &["--db"]);
    assert_eq!(code, Some(0), "{report}");
    for code in ["public", "integrity", "migrated", "clock"] {
        assert_eq!(
            findings(&report, code).iter().filter(|finding| finding["level"] == "good").count(),
            1,
            "{code}: {report}"
        );
    }
    let ports = findings(&report, "port");
    assert!(
        ports.iter().all(|port| port["what"].as_str().is_some_and(|what| what.contains("Bia is serving"))),
        "{ports:?}"
    );
    for code in ["stale_configuration", "other_version", "forwarded", "admin_public", "not_ready"] {
        assert!(findings(&report, code).is_empty(), "{code}: {report}");
    }
    // A shell without the environment of the service, or with another one.
    site.env.insert("SESSION_LIFESPAN".to_owned(), "5h".to_owned());
    assert_eq!(findings(&doctor(&site, &[]).1, "stale_configuration").len(), 1);
    bia.stop();
    let mut process = Bia::spawn(&site, "bia-under-test", &["doctor", "-c", "no-such-file.yml", "-c"]);
    assert_eq!(process.wait().code, Some(2), "it could not look");
}

/// `bia migrate subjects` for the provider `microsoft`.
fn subjects(site: &Site, more: &[&str]) -> (Option<i32>, String) {
    let args = [&["migrate", "subjects", "--provider", "microsoft"], more, &["-c"]].concat();
    let ended = Bia::spawn(site, "bia-under-test", &args).wait();
    (ended.code, ended.log)
}

#[tokio::test(flavor = "multi_thread")]
async fn e3_the_command_previews_refuses_and_then_restores_the_old_links() {
    let mut site = site().await;
    let bia = site.start().await;
    let alice = site.browser("alice").signed_in(&bia, "microsoft").await["identity"]["id"].clone();
    let links = async |bia: &Bia| {
        let id = alice.as_str().expect("an id");
        let shown =
            Browser::new().get_json(format!("{}/admin/identities/{id}?include_credential=oidc", bia.admin)).await;
        shown.json()["credentials"]["oidc"]["identifiers"].clone()
    };
    let before = links(&bia).await;
    bia.stop();
    site.provider(
        "microsoft",
        json!({ "subject_source": "tid_oid", "microsoft": { "subject_migration": { "from": "userinfo" } } }),
    );
    let bia = site.start().await;
    assert_eq!(site.browser("alice").signed_in(&bia, "microsoft").await["identity"]["id"], alice);
    assert_ne!(links(&bia).await, before);
    bia.stop();
    let (code, log) = subjects(&site, &[]);
    assert!(code == Some(0) && log.contains("1 link(s) would be restored, 0 left as they are"), "{log}");
    let (code, log) = subjects(&site, &["--rollback", "--yes"]);
    assert!(code == Some(1) && log.contains("the next sign-in would rewrite each link again"), "{log}");
    site.provider("microsoft", json!({ "subject_source": "userinfo", "microsoft": { "subject_migration": null } }));
    let (_, log) = subjects(&site, &["--rollback", "--dry-run", "--json"]);
    assert!(log.contains("\"dry_run\": true") && log.contains("\"restored\": 1"), "{log}");
    let (code, log) = subjects(&site, &["--rollback"]);
    assert!(code == Some(1) && log.contains("add --yes"), "nobody is there to be asked: {log}");
    let (code, log) = subjects(&site, &["--rollback", "--yes"]);
    assert!(code == Some(0) && log.contains("1 link(s) restored"), "{log}");
    assert!(log.contains("subject_migration_rolled_back"), "an audit event: {log}");
    let bia = site.start().await;
    assert_eq!(links(&bia).await, before);
    assert_eq!(site.browser("alice").signed_in(&bia, "microsoft").await["identity"]["id"], alice);
    bia.stop();
}

const CERTIFICATE: &str = include_str!("../../fixtures/cert.pem");

#[tokio::test(flavor = "multi_thread")]
async fn ports_with_tls_and_sockets_are_recognised_and_the_public_certificate_is_judged() {
    let mut site = site().await;
    site.write("cert.pem", CERTIFICATE);
    site.write("key.pem", include_str!("../../fixtures/key.pem"));
    let port = site.config["serve"]["public"]["port"].as_u64().expect("a port");
    site.change(json!({ "dev": false, "serve": {
        "public": {
            "base_url": format!("https://localhost:{port}/"),
            "tls": { "cert": { "path": "cert.pem" }, "key": { "path": "key.pem" } },
        },
        "admin": { "host": format!("unix:{}", site.path("admin.sock").display()), "port": null },
    } }));
    let bia = site.start().await;
    until("the socket", || async { site.path("admin.sock").exists() }).await;
    // Nobody trusts the certificate of a test.
    let (_, report) = doctor(&site, &[]);
    let serving = |port: &&Value| port["what"].as_str().is_some_and(|what| what.contains("Bia is serving"));
    assert_eq!(findings(&report, "port").iter().filter(|port| serving(port)).count(), 2, "{report}");
    assert_eq!(findings(&report, "public_certificate")[0]["level"], "problem", "{report}");
    assert_eq!(findings(&report, "own_certificate")[0]["level"], "good", "{report}");
    // Now the machine does.
    site.env.insert("SSL_CERT_FILE".to_owned(), site.path("cert.pem").display().to_string());
    let (code, report) = doctor(&site, &[]);
    assert!(findings(&report, "public_certificate").is_empty(), "{report}");
    assert_eq!((findings(&report, "public").len(), code), (1, Some(0)), "{report}");
    assert!(findings(&report, "stale_configuration").is_empty(), "asked over the socket: {report}");
    bia.stop();
}
