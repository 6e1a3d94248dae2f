//! The admin's test login, and captures of sign-ins that failed.

use crate::bed::Bed;
use crate::browser::Browser;
use bia_model::{Flow, FlowKind};
use bia_selfservice::{Outcome, test_login};
use serde_json::{Value, json};

/// Creates a test flow on the admin port and walks it in a new browser; what it shows.
async fn dry_run(bed: &Bed, persona: &str) -> (Flow, Value) {
    walk(bed, &mut bed.browser(), persona).await
}

/// The same in this browser.
async fn walk(bed: &Bed, browser: &mut Browser<'_>, persona: &str) -> (Flow, Value) {
    let context = browser.context("/admin/test-login-flows").await;
    let (reply, link) = test_login::create(&bed.deps, &context, br#"{"provider_id":"microsoft"}"#).await;
    let Outcome::Json { status: 201, body } = reply.outcome else { panic!("no test flow") };
    assert!(link.expect("a link").contains(&format!("/ui/login?flow={}", body["id"].as_str().expect("an id"))));
    let id = body["id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
    let flow = bed.deps.store.find_flow(FlowKind::Login, id).await.expect("store").expect("flow");
    browser.press(&flow, "microsoft", persona).await;
    let flow = bed.deps.store.find_flow(FlowKind::Login, id).await.expect("store").expect("flow");
    let payload = flow.test_context.as_ref().expect("a test flow")["debug_payload"].clone();
    (flow, payload)
}

fn checks(payload: &Value) -> Vec<(String, bool)> {
    let list = payload["checks"].as_array().expect("checks");
    list.iter().map(|check| (check["id"].as_str().expect("id").to_owned(), check["ok"] == true)).collect()
}

fn all(list: &[(&str, bool)]) -> Vec<(String, bool)> {
    list.iter().map(|(id, ok)| ((*id).to_owned(), *ok)).collect()
}

#[tokio::test]
async fn a_dry_run_shows_every_check_and_writes_nothing() {
    let bed = Bed::new().await;
    let (_, payload) = dry_run(&bed, "alice").await;
    assert_eq!(checks(&payload), all(&[("token", true), ("mapper", true), ("schema", true), ("identity", true)]));
    assert_eq!(payload["traits"]["email"], "alice@contoso.example");
    assert!(payload["jsonnet_output"].is_string() && payload["id_token_claims"]["tid"].is_string());
    assert_eq!(payload.get("changes"), None);
    assert_eq!(bed.count_identities().await, 0);
}

#[tokio::test]
async fn for_somebody_who_exists_it_shows_what_would_change() {
    let bed = Bed::builder()
        .provider(json!({}))
        .mapper("local c = std.extVar('claims'); local i = std.extVar('identity'); { identity: { traits: { email: c.email }, metadata_public: { visits: std.get(i.metadata_public, 'visits', 0) + 1 } } }")
        .start()
        .await;
    bed.signed_in("alice").await;
    let (_, payload) = dry_run(&bed, "alice").await;
    let expected = json!([{ "path": "metadata_public.visits", "kind": "changed", "before": 1, "after": 2 }]);
    assert_eq!(payload["changes"], expected, "{payload}");
    assert_eq!(payload["changes_are_applied"], false);
    assert!(payload["identity_id"].is_string());
}

#[tokio::test]
async fn a_failing_mapper_is_told_in_full_to_the_admin() {
    let bed = Bed::builder()
        .provider(json!({}))
        .mapper("local claims = std.extVar('claims');\n{ x: claims.emial }")
        .start()
        .await;
    let (_, payload) = dry_run(&bed, "alice").await;
    assert_eq!(checks(&payload), all(&[("token", true), ("mapper", false), ("identity", true)]));
    let told = payload["jsonnet_stderr"].as_str().expect("a diagnostic");
    assert!(told.contains("emial") && told.contains(":2:") && told.contains("claims.email (string)"), "{told}");
    assert!(!told.contains("alice@"), "{told}");
}

#[tokio::test]
async fn a_denial_and_a_refused_trait_are_checks_that_fail() {
    let bed = Bed::builder().provider(json!({})).mapper("{ deny: { reason: 'Not today.' } }").start().await;
    let (_, payload) = dry_run(&bed, "alice").await;
    assert_eq!(payload["checks"][1]["detail"], "Not today.");
    let bed =
        Bed::builder().provider(json!({})).mapper("{ identity: { traits: { email: 'no address' } } }").start().await;
    let (_, payload) = dry_run(&bed, "alice").await;
    assert_eq!(payload["checks"][2]["ok"], false);
    assert_eq!(payload["schema_validation_errors"][0]["path"], "#/traits/email", "{payload}");
}

#[tokio::test]
async fn denied_by_the_mapper_the_visitor_reads_the_reason_and_nobody_exists() {
    let bed = Bed::builder()
        .provider(json!({}))
        .mapper("{ deny: { reason: 'Guests use the partner portal.' } }")
        .start()
        .await;
    let mut browser = bed.browser();
    let answer = browser.sign_up("microsoft", "guest").await;
    assert!(answer.messages().iter().any(|(_, text)| text.contains("Guests use the partner portal.")));
    assert_eq!(bed.count_identities().await, 0);
    assert!(browser.session().await.is_none());
}

#[tokio::test]
async fn mappers_import_from_the_configured_folder_and_from_nowhere_else() {
    let folder = tempfile::tempdir().expect("folder");
    std::fs::write(folder.path().join("mail.libsonnet"), "{ of(claims): std.asciiLower(claims.email) }")
        .expect("write");
    let import = folder.path().display().to_string();
    let text = "{ identity: { traits: { email: (import 'mail.libsonnet').of(std.extVar('claims')) } } }";
    let bed =
        Bed::builder().provider(json!({})).set("/bia/mapper/import_dir", json!(import)).mapper(text).start().await;
    let mut browser = bed.browser();
    browser.sign_up("microsoft", "alice").await;
    assert_eq!(bed.count_identities().await, 1);
    let text = "{ identity: { traits: { email: importstr '/etc/hostname' } } }";
    let bed =
        Bed::builder().provider(json!({})).set("/bia/mapper/import_dir", json!(import)).mapper(text).start().await;
    bed.browser().sign_up("microsoft", "alice").await;
    assert_eq!(bed.count_identities().await, 0);
}

#[tokio::test]
async fn a_test_link_is_for_one_sign_in_and_its_result_for_one_browser() {
    let bed = Bed::new().await;
    let mut browser = bed.browser();
    let (flow, _) = walk(&bed, &mut browser, "alice").await;
    let again = browser.submit(&flow, &[("provider", "microsoft"), ("method", "oidc")]).await;
    assert_eq!(again.error()["code"], 410);
    let later = bed.deps.store.find_flow(FlowKind::Login, flow.id).await.expect("store").expect("flow");
    assert_eq!(later.test_context, flow.test_context);
    let mut other = bed.browser();
    other.begin_login("").await;
    let context = other.context("/self-service/login/flows").await;
    let shown = bia_selfservice::login::get_flow(&bed.deps, &context, Some(&flow.id.to_string())).await;
    assert!(matches!(shown.outcome, Outcome::RefusedJson(error) if error.code == 403));
}

#[tokio::test]
async fn a_test_login_works_in_the_browser_of_somebody_who_is_signed_in_and_leaves_the_session_alone() {
    let bed = Bed::new().await;
    let mut browser = bed.signed_in("alice").await;
    let before = browser.session().await.expect("a session");
    let (_, payload) = walk(&bed, &mut browser, "alice").await;
    assert_eq!(checks(&payload), all(&[("token", true), ("mapper", true), ("schema", true), ("identity", true)]));
    assert!(payload["identity_id"].is_string());
    let after = browser.session().await.expect("a session");
    assert_eq!((before.id, before.authenticated_at), (after.id, after.authenticated_at));
    assert_eq!(bed.count_identities().await, 1);
}
