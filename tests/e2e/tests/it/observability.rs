//! What operators see: audit events, metrics, and one id from the page to the provider.

use std::collections::{BTreeMap, BTreeSet};

use bia_e2e::{Answer, Bia, Browser, Site, TEST_CLIENT_SECRET, free_port};
use bia_fake_entra::{CONTOSO_TENANT_ID, Endpoint, EndpointFault, Fault};
use bia_telemetry::audit::Event;
use bia_telemetry::catalogue::CATALOGUE;
use http::Method;
use serde_json::{Value, json};

/// What a line of the log says, if it is one of `message`.
fn log_lines(bia: &Bia, message: &str) -> Vec<Value> {
    let log = bia.log();
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| line["message"] == message).collect()
}

/// The audit file once the program has ended: everything is written then.
fn audited(site: &Site) -> Vec<Value> {
    let text = std::fs::read_to_string(site.path("audit.jsonl")).expect("an audit file");
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"))).collect()
}

fn events(lines: &[Value]) -> BTreeSet<&str> {
    lines.iter().filter_map(|line| line["event"].as_str()).collect()
}

fn of<'a>(lines: &'a [Value], event: &str) -> &'a Value {
    lines.iter().find(|line| line["event"] == event).unwrap_or_else(|| panic!("no {event}: {lines:#?}"))
}

async fn metrics(bia: &Bia) -> String {
    Browser::new().get(format!("{}/metrics/prometheus", bia.admin)).await.body
}

/// The value of the first series whose line begins so; 0 when there is none.
fn value(text: &str, series: &str) -> f64 {
    let line = text.lines().find(|line| line.starts_with(series));
    line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or(0.0)
}

async fn admin(bia: &Bia, method: Method, path: &str, body: Option<Value>) -> Answer {
    Browser::new().call_json(method, format!("{}/admin{path}", bia.admin), body.as_ref()).await
}

async fn change_settings(browser: &Browser, bia: &Bia, fields: &[(&str, &str)]) -> Answer {
    let settings = browser.begin(bia, "settings").await;
    let action = settings["ui"]["action"].as_str().expect("an action").to_owned();
    let nodes = bia_e2e::nodes(&settings);
    let token = nodes.iter().find(|node| node["attributes"]["name"] == "csrf_token").expect("a token");
    let token = token["attributes"]["value"].as_str().expect("a token").to_owned();
    browser.post_form(action, &[fields, &[("csrf_token", token.as_str())]].concat()).await
}

/// Signs up, out and in, links, unlinks, changes the profile, ends another session; the identity's id.
async fn live(site: &Site, bia: &Bia) -> String {
    let alice = site.browser("alice");
    let session = alice.signed_in(bia, "microsoft").await;
    let id = session["identity"]["id"].as_str().expect("an id").to_owned();
    let logout = alice.get_json(format!("{}/self-service/logout/browser", bia.public)).await.expect(200);
    alice.get(logout["logout_url"].as_str().expect("a URL")).await;
    alice.signed_in(bia, "microsoft").await;
    let other = site.browser("alice");
    other.signed_in(bia, "microsoft").await;
    alice.call_json(Method::DELETE, format!("{}/sessions", bia.public), None).await.expect(200);
    assert!(other.whoami(bia).await.is_none(), "the other session has ended");
    let at = change_settings(&alice, bia, &[("link", "work")]).await.location();
    let back = alice.authorize(&at).await;
    alice.get(back).await;
    change_settings(&alice, bia, &[("unlink", "work")]).await;
    let traits = [("method", "profile"), ("traits.email", "alice.changed@contoso.example")];
    change_settings(&alice, bia, &traits).await;
    id
}

/// Everything that the admin API may do to somebody.
async fn administrate(site: &Site, bia: &Bia) {
    let link = |subject: &str| json!({ "provider": "work", "subject": subject });
    let body = json!({
        "schema_id": "default", "traits": { "email": "made@contoso.example" },
        "credentials": { "oidc": { "config": { "providers": [link("subject-one"), link("subject-two")] } } },
    });
    let made = admin(bia, Method::POST, "/identities", Some(body)).await.expect(201);
    let made = format!("/identities/{}", made["id"].as_str().expect("an id"));
    let patch = json!([{ "op": "replace", "path": "/metadata_public", "value": { "a": 1 } }]);
    admin(bia, Method::PATCH, &made, Some(patch)).await.expect(200);
    let removed =
        admin(bia, Method::DELETE, &format!("{made}/credentials/oidc?identifier=work:subject-one"), None).await;
    assert_eq!(removed.status, 204, "{removed:?}");
    admin(bia, Method::DELETE, &made, None).await.expect(204);
    let bob = site.browser("bob");
    let session = bob.signed_in(bia, "microsoft").await;
    let session = session["id"].as_str().expect("an id");
    admin(bia, Method::PATCH, &format!("/sessions/{session}/extend"), None).await;
    assert_eq!(admin(bia, Method::DELETE, &format!("/sessions/{session}"), None).await.status, 204);
}

#[tokio::test]
async fn k8_every_event_is_recorded_without_personal_data() {
    let mut site = Site::with(json!({ "bia": { "audit": { "file": "audit.jsonl" } } })).await;
    site.change(json!({ "session": { "earliest_possible_extend": "720h" } }));
    let bia = site.start().await;
    let alice = live(&site, &bia).await;
    administrate(&site, &bia).await;
    site.control().add_fault(Fault::at(Endpoint::Authorize, EndpointFault::error("access_denied")).times(1));
    site.browser("carol").sign_in(&bia, "microsoft").await;
    let ended = bia.stop();
    assert!(!ended.log.contains("bia::audit"), "events are in their file alone: {}", ended.log);
    let lines = audited(&site);
    let own = |name: &str| {
        let mut found = lines.iter().filter(|line| line["event"] == name && line["identity_id"] == alice.as_str());
        found.next().unwrap_or_else(|| panic!("no {name} of hers: {lines:#?}"))
    };
    let sign_up = own("sign_up");
    assert_eq!((&sign_up["actor"], &sign_up["provider"]), (&json!("person"), &json!("microsoft")));
    assert_eq!(sign_up["tenant_id"], CONTOSO_TENANT_ID);
    for name in ["sign_in", "logout", "link", "unlink", "settings_changed", "sessions_revoked"] {
        own(name);
    }
    let expected =
        ["identity_created", "identity_updated", "credential_deleted", "identity_deleted", "session_extended"];
    for name in expected {
        assert_eq!(of(&lines, name)["actor"], "admin", "{name}");
    }
    let by_admin = |line: &&Value| line["event"] == "sessions_revoked" && line["actor"] == "admin";
    assert!(lines.iter().any(|line| by_admin(&line)), "{lines:#?}");
    let refusal = of(&lines, "refusal");
    assert_eq!((&refusal["reason"], &refusal["oauth_error"]), (&json!("denied"), &json!("access_denied")));
    assert_eq!((&refusal["flow"], &refusal["provider"]), (&json!("login"), &json!("microsoft")));
    assert!(lines.iter().all(|line| line["request_id"].as_str().is_some_and(|id| id.len() == 36)), "{lines:#?}");
    let file = std::fs::read_to_string(site.path("audit.jsonl")).expect("an audit file").to_lowercase();
    for personal in ["alice", "bob", "contoso.example", "127.0.0.1", "subject-one", TEST_CLIENT_SECRET] {
        assert!(!file.contains(&personal.to_lowercase()), "{personal} in {file}");
    }
    // What the other tests here show.
    let elsewhere = BTreeSet::from(["moved_to_home_realm", "subject_migrated", "subject_migration_rolled_back"]);
    let seen: BTreeSet<&str> = events(&lines).union(&elsewhere).copied().collect();
    let all: BTreeSet<&str> = Event::ALL.iter().map(|event| event.name()).collect();
    assert_eq!(seen, all);
}

#[tokio::test]
async fn k8_a_moved_sign_in_and_a_migrated_subject_are_recorded() {
    let mut site = Site::with(json!({ "bia": { "audit": { "file": "audit.jsonl" } } })).await;
    site.provider("microsoft", json!({ "subject_source": "oid", "microsoft_tenant": CONTOSO_TENANT_ID }));
    let bia = site.start().await;
    site.browser("alice").signed_in(&bia, "microsoft").await;
    bia.stop();
    site.provider(
        "microsoft",
        json!({
            "subject_source": "tid_oid",
            "microsoft": { "subject_migration": { "from": "oid" }, "home_realm_domains": ["contoso.example"] },
        }),
    );
    let bia = site.start().await;
    site.browser("alice").signed_in(&bia, "microsoft").await;
    let moved = site.browser("alice").sign_in(&bia, "partner").await;
    assert!(moved.location().as_str().contains(CONTOSO_TENANT_ID), "{moved:?}");
    bia.stop();
    let lines = audited(&site);
    assert_eq!(of(&lines, "subject_migrated")["provider"], "microsoft");
    let moved = of(&lines, "moved_to_home_realm");
    assert_eq!((&moved["provider"], &moved["to_provider"]), (&json!("partner"), &json!("microsoft")));
    site.provider("microsoft", json!({ "subject_source": "oid", "microsoft": { "subject_migration": null } }));
    let args = ["migrate", "subjects", "--provider", "microsoft", "--rollback", "--yes", "-c"];
    let rolled_back = Bia::spawn(&site, "bia-under-test", &args).wait();
    assert_eq!(rolled_back.code, Some(0), "{rolled_back:?}");
    assert_eq!(of(&audited(&site), "subject_migration_rolled_back")["actor"], "admin");
}

#[tokio::test]
async fn k8_personal_data_is_recorded_when_the_operator_asks_for_it() {
    let audit = json!({ "file": "audit.jsonl", "personal_data": true });
    let site = Site::with(json!({ "bia": { "audit": audit } })).await;
    let bia = site.start().await;
    let alice = site.browser("alice").with_header("user-agent", "a browser of the tests");
    let session = alice.signed_in(&bia, "microsoft").await;
    bia.stop();
    let lines = audited(&site);
    let line = of(&lines, "sign_up");
    assert_eq!(line["email"], session["identity"]["traits"]["email"]);
    assert_eq!(line["user_agent"], "a browser of the tests");
    assert!(line["ip_address"].as_str().is_some_and(|address| address.starts_with("127.0.0.1")), "{line}");
}

#[tokio::test]
async fn k8_a_full_disk_costs_events_and_no_sign_in() {
    let site = Site::with(json!({ "bia": { "audit": { "file": "/dev/full" } } })).await;
    let bia = site.start().await;
    site.browser("alice").signed_in(&bia, "microsoft").await;
    site.browser("bob").signed_in(&bia, "microsoft").await;
    // The writer is a thread of its own and may take a moment.
    let mut text = metrics(&bia).await;
    while value(&text, "bia_audit_events_dropped_total{reason=\"write_error\"}") < 2.0 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        text = metrics(&bia).await;
    }
    assert_eq!(
        log_lines(&bia, "audit events can't be written and are lost; bia_audit_events_dropped_total counts them").len(),
        1
    );
}

#[tokio::test]
async fn k8_the_audit_file_is_opened_anew_at_sighup() {
    let site = Site::with(json!({ "bia": { "audit": { "file": "audit.jsonl" } } })).await;
    let bia = site.start().await;
    site.browser("alice").signed_in(&bia, "microsoft").await;
    std::fs::rename(site.path("audit.jsonl"), site.path("audit.jsonl.1")).expect("moved");
    let hangup = std::process::Command::new("kill").args(["-HUP", &bia.id().to_string()]).status().expect("kill");
    assert!(hangup.success());
    while !site.path("audit.jsonl").exists() {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    site.browser("bob").signed_in(&bia, "microsoft").await;
    bia.stop();
    assert!(events(&audited(&site)).contains("sign_up"));
}

#[tokio::test]
async fn k8_an_audit_file_that_can_not_be_opened_stops_the_start() {
    let site = Site::with(json!({ "bia": { "audit": { "file": "missing/audit.jsonl" } } })).await;
    let ended = Bia::spawn(&site, "bia-under-test", &["serve", "-c"]).wait();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.log.contains("bia.audit.file") && ended.log.contains("missing/audit.jsonl"), "{ended:?}");
}

#[tokio::test]
async fn k8_one_id_leads_from_the_error_page_to_the_log_and_to_the_provider() {
    let mut site = Site::new().await;
    let own_pages =
        json!({ "error": { "ui_url": null }, "login": { "ui_url": null }, "registration": { "ui_url": null } });
    site.change(json!({ "selfservice": { "flows": own_pages } }));
    site.provider("microsoft", json!({ "client_secret": "wrong~secret" }));
    let bia = site.start().await;
    let alice = site.browser("alice");
    let answer = alice.sign_in(&bia, "microsoft").await;
    let id = answer.header("x-request-id").to_owned();
    let page = alice.get(answer.location()).await;
    assert!(page.body.contains(&id), "{id}: {page:?}");
    let failed = log_lines(&bia, "sign-in failed at the provider");
    assert_eq!((failed.len(), &failed[0]["request_id"]), (1, &json!(id)), "{failed:?}");
    let led = log_lines(&bia, "somebody is led to the error page");
    assert_eq!(led[0]["request_id"], id.as_str());
    assert!(answer.header("location").contains(led[0]["error_id"].as_str().expect("an id")));
    let requests = log_lines(&bia, "request");
    assert!(requests.iter().any(|line| line["request_id"] == id.as_str()), "{requests:?}");
    let calls = site.control().calls();
    let call = calls.iter().find(|call| call.endpoint == Endpoint::Token).expect("a call");
    assert_eq!((call.request_id.as_deref(), call.client_request_id.as_deref()), (Some(id.as_str()), Some(id.as_str())));
    // Microsoft's own ids are fields of their own, not text within a field.
    for field in ["aadsts", "correlation_id", "trace_id", "upstream_timestamp", "explanation", "config_key"] {
        assert!(failed[0][field].is_string(), "{field}: {}", failed[0]);
    }
    // Kratos' own API is as it was: its error has no field that its clients don't know.
    let error_id = led[0]["error_id"].as_str().expect("an id");
    let kept = alice.get_json(format!("{}/self-service/errors?id={error_id}", bia.public)).await.expect(200);
    assert!(kept["error"].get("correlation_id").is_none() && kept["error"].get("request").is_none(), "{kept}");
}

#[tokio::test]
async fn k8_only_a_trusted_proxy_names_a_request() {
    let mut site = Site::new().await;
    site.change(json!({ "bia": { "trusted_proxies": ["192.0.2.1"] } }));
    let bia = site.start().await;
    let stranger = Browser::new().with_header("x-request-id", "somebody-elses");
    let answer = stranger.get_json(format!("{}/sessions/whoami", bia.public)).await;
    assert_eq!(answer.header("x-request-id").len(), 36, "{answer:?}");
    assert!(!answer.body.contains("somebody-elses") && !bia.log().contains("somebody-elses"), "{}", bia.log());
}

/// Labels of every series, by metric.
fn labels(text: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let (series, _) = line.rsplit_once(' ').expect("a value");
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        let of_name = found.entry(name.to_owned()).or_default();
        for pair in labels.trim_end_matches('}').split("\",").filter(|pair| !pair.is_empty()) {
            of_name.insert(pair.split('=').next().expect("a label").to_owned());
        }
    }
    found
}

#[tokio::test]
async fn k8_every_series_is_a_documented_one() {
    let site = Site::new().await;
    let bia = site.start().await;
    live(&site, &bia).await;
    let text = metrics(&bia).await;
    for (name, labels) in labels(&text) {
        let base = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
        let metric = CATALOGUE.iter().find(|metric| metric.name == name || Some(metric.name) == base);
        let metric = metric.unwrap_or_else(|| panic!("{name} is not in the catalogue"));
        let extra: Vec<_> = labels.iter().filter(|label| !metric.labels.contains(&label.as_str())).collect();
        assert!(extra.iter().all(|label| *label == "le"), "{name}: {extra:?}");
        let described = base.unwrap_or(&name);
        assert!(text.contains(&format!("# HELP {described} ")), "{described}");
    }
    assert_eq!(
        value(
            &text,
            "bia_sign_in_finished_total{flow=\"registration\",provider=\"microsoft\",outcome=\"registration\"}"
        ),
        1.0,
        "{text}"
    );
    assert!(value(&text, "bia_upstream_calls_total{call=\"token\",outcome=\"2xx\"}") >= 4.0, "{text}");
    assert!(value(&text, "bia_mapper_evaluations_total{outcome=\"ok\"}") >= 1.0, "{text}");
    assert!(value(&text, "bia_sessions_issued_total") >= 3.0, "{text}");
    assert!(value(&text, "process_resident_memory_bytes") > 1e6, "{text}");
    assert!(value(&text, "process_start_time_seconds") > 1.7e9, "{text}");
    assert!(text.contains("bia_store_connections{pool=\"write\",state=\"idle\"} 1"), "{text}");
    assert!(text.contains(&format!("bia_build_info{{version=\"{}\"}} 1", env!("CARGO_PKG_VERSION"))), "{text}");
}

#[tokio::test]
async fn k8_what_strangers_make_up_never_becomes_a_label() {
    let site = Site::new().await;
    let bia = site.start().await;
    site.browser("alice").signed_in(&bia, "microsoft").await;
    let stranger = Browser::new();
    let ask = async |number: usize| {
        let made_up = format!("made-up-{number}");
        for path in [
            format!("/self-service/methods/oidc/callback/{made_up}?state=x"),
            format!("/self-service/methods/oidc/logout/{made_up}?sid=x"),
            format!("/{made_up}"),
            format!("/schemas/{made_up}"),
            format!("/self-service/{made_up}/browser"),
        ] {
            stranger.get(format!("{}{path}", bia.public)).await;
        }
        stranger.get(format!("{}/admin/identities/{made_up}", bia.admin)).await;
        let method = Method::from_bytes(made_up.to_uppercase().as_bytes()).expect("a method");
        stranger.call_json(method, format!("{}/sessions/whoami", bia.public), None).await;
        let flow = stranger.begin(&bia, "login").await;
        let action = flow["ui"]["action"].as_str().expect("an action").to_owned();
        stranger.post_form(action, &[("provider", made_up.as_str())]).await;
    };
    ask(0).await;
    let count = |text: &str| text.lines().filter(|line| !line.starts_with('#')).count();
    // Looking makes series of its own.
    metrics(&bia).await;
    let before = metrics(&bia).await;
    for number in 1..20 {
        ask(number).await;
    }
    let after = metrics(&bia).await;
    assert!(!after.to_lowercase().contains("made-up"), "{after}");
    // Buckets of a series come into being together, so nothing but values may have changed.
    assert_eq!(count(&after), count(&before), "new series appeared");
    assert!(
        value(&after, "bia_sign_in_refused_total{flow=\"none\",provider=\"none\",step=\"state\"}") >= 20.0,
        "{after}"
    );
}

#[tokio::test]
async fn k8_a_provider_that_is_down_shows_in_outcome_and_step() {
    let mut site = Site::new().await;
    let nobody = free_port();
    let host = format!("http://127.0.0.1:{nobody}");
    site.provider("partner", json!({ "issuer_url": host }));
    let bia = site.start().await;
    let alice = site.browser("alice");
    let flow = alice.begin(&bia, "login").await;
    let action = flow["ui"]["action"].as_str().expect("an action").to_owned();
    alice.post_form(action, &[("provider", "partner")]).await;
    let text = metrics(&bia).await;
    assert!(value(&text, "bia_upstream_calls_total{call=\"discovery\",outcome=\"connect\"}") >= 1.0, "{text}");
    assert_eq!(
        value(&text, "bia_sign_in_refused_total{flow=\"login\",provider=\"partner\",step=\"discovery\"}"),
        1.0,
        "{text}"
    );
}
