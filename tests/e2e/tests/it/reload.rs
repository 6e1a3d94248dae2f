//! A configuration that changes while people sign in.

use bia_e2e::{Bia, Browser, Site, signal, until};
use serde_json::{Value, json};

/// A metric's value, summed over its series; 0 before its first.
pub(crate) async fn metric(bia: &Bia, name: &str) -> f64 {
    let answer = Browser::new().get(format!("{}/metrics/prometheus", bia.admin)).await;
    let lines = answer.body.lines().filter(|line| !line.starts_with('#'));
    let of_name = lines.filter_map(|line| {
        let rest = line.strip_prefix(name)?;
        rest.starts_with(['{', ' ']).then(|| rest.rsplit(' ').next()?.parse::<f64>().ok()).flatten()
    });
    of_name.sum()
}

pub(crate) const TAKEN: &str = r#"bia_config_reloads_total{outcome="taken"}"#;
pub(crate) const REFUSED: &str = r#"bia_config_reloads_total{outcome="refused"}"#;
const SUCCESSFUL: &str = "bia_config_last_reload_successful";

/// Changes something and waits until that metric has grown.
async fn after(bia: &Bia, counter: &str, change: impl FnOnce()) {
    let before = metric(bia, counter).await;
    change();
    until(counter, || async { metric(bia, counter).await > before }).await;
}

fn write_config(site: &Site) {
    site.write("kratos.yml", &format!("{:#}", site.config));
}

/// The labels of the buttons of a new login.
async fn labels(bia: &Bia) -> Vec<String> {
    let flow = Browser::new().begin(bia, "login").await;
    let nodes = bia_e2e::nodes(&flow);
    let text = |node: &Value| node["meta"]["label"]["text"].as_str().map(str::to_owned);
    nodes.iter().filter(|node| node["attributes"]["name"] == "provider").filter_map(text).collect()
}

#[tokio::test]
async fn a16_an_edit_counts_for_the_next_sign_in_and_everybody_else_goes_on() {
    let mut site = Site::new().await;
    let bia = site.start().await;
    let signed_in = site.browser("alice");
    let session = signed_in.signed_in(&bia, "microsoft").await;
    // Bob is at the provider, Carol has the form open.
    let bob = site.browser("bob");
    let back = bob.to_callback(&bia, "microsoft").await;
    let carol = site.browser("carol");
    let form = carol.begin(&bia, "login").await;
    site.provider("microsoft", json!({ "label": "Contoso" }));
    site.change(json!({ "secrets": {
        "default": ["a-new-default-secret-of-the-tests", "default-secret-of-the-tests"],
        "cookie": ["a-new-cookie-secret-of-the-tests", "cookie-secret-of-the-tests"],
        "cipher": ["new-cipher-secret-of-tests-32ch!", "cipher-secret-of-tests-32-chars!"],
    } }));
    after(&bia, TAKEN, || write_config(&site)).await;
    assert!(labels(&bia).await.iter().any(|label| label.ends_with("Contoso")), "{:?}", labels(&bia).await);
    assert_eq!(signed_in.whoami(&bia).await.expect("the session")["id"], session["id"]);
    assert_eq!(bob.get(&back).await.header("location"), "http://app.example/home");
    assert_eq!(carol.go_on(&form, "microsoft").await.header("location"), "http://app.example/home");
    site.browser("mfa").signed_in(&bia, "work").await;
    assert_eq!(bia.stop().code, Some(0));
}

#[tokio::test]
async fn a16_whoever_is_at_a_provider_that_is_taken_away_gets_a_clear_error() {
    let mut site = Site::new().await;
    let bia = site.start().await;
    let alice = site.browser("alice");
    let back = alice.to_callback(&bia, "work").await;
    let bob = site.browser("bob");
    let form = bob.begin(&bia, "login").await;
    let providers =
        site.config["selfservice"]["methods"]["oidc"]["config"]["providers"].as_array_mut().expect("a list");
    providers.retain(|provider| provider["id"] != "work");
    after(&bia, TAKEN, || write_config(&site)).await;
    let answer = alice.get(&back).await;
    let shown = alice.shown(&bia, &answer).await;
    assert_eq!(shown["error"]["code"], 404, "{shown}");
    assert!(shown["error"]["reason"].as_str().is_some_and(|reason| reason.contains("work")), "{shown}");
    let action = form["ui"]["action"].as_str().expect("an action");
    let pressed = bob.post_form(action, &[("provider", "work")]).await;
    assert!(pressed.status < 500, "{pressed:?}");
    assert!(bob.go_on(&form, "microsoft").await.header("location").ends_with("/home"));
}

#[tokio::test]
async fn a16_a_bad_edit_keeps_the_old_configuration_and_says_what_and_where() {
    let mut site = Site::new().await;
    let bia = site.start().await;
    site.browser("alice").signed_in(&bia, "microsoft").await;
    assert!(metric(&bia, SUCCESSFUL).await == 1.0);
    let good = format!("{:#}", site.config);
    let broken = [
        ("kratos.yml", "dsn: [\n", "kratos.yml:2:1"),
        ("kratos.yml", "{\n  \"selfservices\": {}\n}", "kratos.yml:2:"),
        (
            "person.jsonnet",
            "local claims = std.extVar('claims');\n{ identity: { traits: { email: } } }",
            "person.jsonnet:2:",
        ),
        ("person.schema.json", "{\n  \"type\": \"object\",\n}", "line 3"),
    ];
    let (mapper, schema) = (read(&site, "person.jsonnet"), read(&site, "person.schema.json"));
    for (name, text, place) in broken {
        after(&bia, REFUSED, || site.write(name, text)).await;
        assert!(metric(&bia, SUCCESSFUL).await == 0.0);
        let log = bia.log();
        let line = log.lines().rev().find(|line| line.contains("the one before it stays in use")).expect("an error");
        assert!(line.contains("\"level\":\"ERROR\"") && line.contains(place), "{line}");
        // Somebody new, so that the mapper runs.
        for person in ["bob", "alice"] {
            site.browser(person).signed_in(&bia, "microsoft").await;
        }
        after(&bia, TAKEN, || {
            site.write("kratos.yml", &good);
            site.write("person.jsonnet", &mapper);
            site.write("person.schema.json", &schema);
        })
        .await;
        until("the configuration is whole again", || async { metric(&bia, SUCCESSFUL).await == 1.0 }).await;
    }
    // What was broken before doesn't hold up the repair of something else.
    site.provider("partner", json!({ "mapper_url": "file://later.jsonnet" }));
    after(&bia, REFUSED, || write_config(&site)).await;
    assert!(bia.log().contains("later.jsonnet"), "{}", bia.log());
    after(&bia, TAKEN, || site.write("later.jsonnet", &mapper)).await;
    site.browser("carol").signed_in(&bia, "partner").await;
}

fn read(site: &Site, name: &str) -> String {
    std::fs::read_to_string(site.path(name)).expect("a file")
}

#[tokio::test]
async fn a16_a_mapper_counts_as_soon_as_it_has_been_looked_at() {
    let site = Site::new().await;
    let bia = site.start().await;
    site.browser("alice").signed_in(&bia, "microsoft").await;
    let mapper = read(&site, "person.jsonnet");
    let denying = "{ deny: { reason: 'nobody new today' } }";
    after(&bia, TAKEN, || site.write("person.jsonnet", denying)).await;
    let bob = site.browser("bob");
    let refused = bob.sign_in(&bia, "microsoft").await;
    assert_ne!(refused.header("location"), "http://app.example/home");
    // Renamed into place, and of the same time as before, as some deployment tools do.
    after(&bia, TAKEN, || {
        site.write("aside", &mapper);
        std::fs::rename(site.path("aside"), site.path("person.jsonnet")).expect("renamed");
    })
    .await;
    site.browser("bob").signed_in(&bia, "microsoft").await;
}

#[tokio::test]
async fn a16_what_mappers_import_is_looked_at_like_the_mappers_themselves() {
    let site = Site::with(json!({ "bia": { "mapper": { "import_dir": "lib" } } })).await;
    std::fs::create_dir(site.path("lib")).expect("a folder");
    site.write("lib/who.libsonnet", "{ email(claims): claims.email }");
    let mapper =
        "local who = import 'who.libsonnet';\n{ identity: { traits: { email: who.email(std.extVar('claims')) } } }";
    site.write("person.jsonnet", mapper);
    let bia = site.start().await;
    site.browser("alice").signed_in(&bia, "microsoft").await;
    after(&bia, REFUSED, || site.write("lib/who.libsonnet", "{ email(claims): }")).await;
    assert!(bia.log().contains("who.libsonnet:1:"), "{}", bia.log());
    site.browser("bob").signed_in(&bia, "microsoft").await;
    after(&bia, TAKEN, || site.write("lib/who.libsonnet", "{ email(claims): error 'nobody' }")).await;
    let refused = site.browser("carol").sign_in(&bia, "microsoft").await;
    assert_ne!(refused.header("location"), "http://app.example/home");
}

#[tokio::test]
async fn a16_sighup_reloads_and_what_needs_a_restart_is_named_and_kept() {
    let mut site = Site::new().await;
    let bia = site.start().await;
    after(&bia, TAKEN, || assert!(signal("HUP", bia.id()))).await;
    let port = site.config["serve"]["admin"]["port"].clone();
    site.change(json!({ "serve": { "admin": { "port": 1 } }, "log": { "level": "debug" } }));
    site.provider("work", json!({ "label": "Elsewhere" }));
    after(&bia, TAKEN, || write_config(&site)).await;
    assert!(labels(&bia).await.iter().any(|label| label.ends_with("Elsewhere")));
    assert!(metric(&bia, "bia_config_restart_needed").await == 1.0);
    let log = bia.log();
    for key in ["serve.admin.port (", "log ("] {
        assert!(log.lines().any(|line| line.contains("needs_restart") && line.contains(key)), "{key}: {log}");
    }
    site.change(json!({ "serve": { "admin": { "port": port } }, "log": { "level": "info" } }));
    after(&bia, TAKEN, || write_config(&site)).await;
    assert!(metric(&bia, "bia_config_restart_needed").await == 0.0);
}

#[tokio::test]
async fn a16_a_certificate_can_change_in_the_configuration_and_a_wrong_one_changes_nothing() {
    let mut site = Site::new().await;
    let (certificate, key) = (include_str!("../../fixtures/cert.pem"), include_str!("../../fixtures/key.pem"));
    site.write("cert.pem", certificate);
    site.write("key.pem", key);
    let bia = site.start().await;
    assert_eq!(Browser::new().get(format!("{}/health/alive", bia.public)).await.status, 200);
    let tls = |cert: &str| json!({ "serve": { "public": { "tls": { "cert": { "path": cert }, "key": { "path": "key.pem" } } } } });
    site.change(tls("key.pem"));
    after(&bia, REFUSED, || write_config(&site)).await;
    assert!(bia.log().contains("serve.public.tls: cert"), "{}", bia.log());
    assert_eq!(Browser::new().get(format!("{}/health/alive", bia.public)).await.status, 200);
    site.change(tls("cert.pem"));
    after(&bia, TAKEN, || write_config(&site)).await;
    let secure = bia.public.replace("http://127.0.0.1", "https://localhost");
    assert_eq!(Browser::trusting(certificate).get(format!("{secure}/health/alive")).await.status, 200);
}
