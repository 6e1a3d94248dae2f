//! A hook of a third party, registered by one line in a program of its own (`src/bin/with-hooks.rs`).

use bia_e2e::{Bia, Site, ids, nodes};
use serde_json::{Value, json};

async fn start(site: &Site) -> Bia {
    Bia::start(site, "bia-with-hooks", &["serve", "-c"]).await
}

async fn with_policy() -> Site {
    let config = json!({ "allowed_domains": ["contoso.example"], "welcome_url": "http://app.example/welcome" });
    let hooks = json!([{ "hook": "company_policy", "config": config }, { "hook": "session" }]);
    Site::with(json!({ "selfservice": { "flows": { "registration": { "after": { "oidc": { "hooks": hooks } } } } } }))
        .await
}

async fn with_login_hook(name: &str) -> Site {
    let hooks = json!([{ "hook": name }]);
    Site::with(json!({ "selfservice": { "flows": { "login": { "after": { "oidc": { "hooks": hooks } } } } } })).await
}

#[tokio::test]
async fn it_changes_metadata_and_adds_a_step() {
    let site = with_policy().await;
    let bia = start(&site).await;
    let alice = site.browser("alice");
    let flow = alice.begin(&bia, "registration").await;
    let at = alice.press(&flow, "microsoft").await;
    let back = alice.authorize(&at).await;
    let body = alice.get_json(back).await.expect(200);
    assert_eq!(body["identity"]["metadata_public"], json!({ "company_domain": "contoso.example" }));
    let steps = body["continue_with"].as_array().expect("steps");
    assert!(steps.contains(&json!({ "action": "show_welcome", "url": "http://app.example/welcome" })), "{steps:?}");
    assert_eq!(alice.whoami(&bia).await.expect("a session")["identity"]["id"], body["identity"]["id"]);
}

#[tokio::test]
async fn it_refuses_on_the_field_and_nobody_is_made() {
    let site = with_policy().await;
    let bia = start(&site).await;
    let bob = site.browser("bob");
    let answer = bob.sign_in(&bia, "microsoft").await;
    let flow = bob.shown(&bia, &answer).await;
    let email = nodes(&flow).into_iter().find(|node| node["attributes"]["name"] == "traits.email").expect("a field");
    assert_eq!(email["messages"][0]["id"], bia_hook_example::DOMAIN_NOT_ALLOWED);
    assert!(bob.whoami(&bia).await.is_none());
    let people: Value = bob.get_json(format!("{}/admin/identities", bia.admin)).await.expect(200);
    assert_eq!(people, json!([]));
}

#[tokio::test]
async fn a_panic_is_a_plain_500_without_its_text_and_the_server_goes_on() {
    let site = with_login_hook("panicking").await;
    let bia = start(&site).await;
    site.browser("alice").signed_in(&bia, "microsoft").await;
    let alice = site.browser("alice");
    let answer = alice.sign_in(&bia, "microsoft").await;
    let shown = alice.shown(&bia, &answer).await;
    assert_eq!(shown["error"]["code"], 500, "{shown}");
    assert!(!shown.to_string().contains("private text"), "{shown}");
    assert!(alice.whoami(&bia).await.is_none());
    // A registration has no login hook: the same process still serves.
    site.browser("bob").signed_in(&bia, "microsoft").await;
    assert!(bia.log().contains("a hook panicked"), "{}", bia.log());
}

#[tokio::test]
async fn a_hook_that_never_ends_is_a_504_after_its_deadline() {
    let site = with_login_hook("slow").await;
    let bia = start(&site).await;
    site.browser("alice").signed_in(&bia, "microsoft").await;
    let alice = site.browser("alice");
    let answer = alice.sign_in(&bia, "microsoft").await;
    let shown = alice.shown(&bia, &answer).await;
    assert_eq!(shown["error"]["code"], 504, "{shown}");
    assert!(ids(&shown).is_empty());
    assert!(alice.whoami(&bia).await.is_none());
}

#[tokio::test]
async fn bia_itself_refuses_a_hook_that_nobody_registered() {
    let site = with_login_hook("company_policy").await;
    let ended = Bia::spawn(&site, "bia-under-test", &["serve", "-c"]).wait();
    assert_eq!(ended.code, Some(1));
    assert!(ended.log.contains("there is no hook of this name"), "{}", ended.log);
}
