//! Linking: asked, automatic with proof on both sides, in settings, and back again (E10, E13).

use crate::bed::{Bed, Builder};
use crate::browser::{Browser, Visit};
use serde_json::{Value, json};
use std::time::Duration;

fn builder(microsoft: Value) -> Builder {
    Bed::builder().provider(microsoft).plain_provider("social", "pkce", json!({}))
}

fn automatic() -> Value {
    json!({ "account_linking_mode": "automatic", "microsoft": { "email_verified_from": "xms_edov" } })
}

#[tokio::test]
async fn e10_by_default_the_owner_of_the_address_is_asked_and_then_linked() {
    let bed = builder(json!({})).start().await;
    let alice = bed.browser().sign_in("social", "alice").await.identity_id();
    let mut browser = bed.browser();
    let asking = browser.sign_in("microsoft", "alice").await;
    asking.expect_nobody();
    assert_eq!(asking.message_ids(), [1_010_016]);
    let confirmed = browser.press(&asking.flow(), "social", "alice").await;
    assert_eq!(confirmed.identity_id(), alice);
    assert_eq!(bed.identity(alice).await.oidc_links().len(), 2);
    assert_eq!(bed.browser().sign_in("microsoft", "alice").await.identity_id(), alice);
}

#[tokio::test]
async fn e10_automatic_links_at_once_when_both_sides_are_proven() {
    let bed = builder(automatic()).start().await;
    let alice = bed.browser().sign_in("social", "alice").await.identity_id();
    assert_eq!(bed.browser().sign_in("microsoft", "alice").await.identity_id(), alice);
    assert_eq!(bed.count_identities().await, 1);
}

#[tokio::test]
async fn e10_automatic_asks_when_one_side_is_not_proven() {
    let bed = builder(automatic()).start().await;
    bed.import("alice@contoso.example", &[("social", "op-alice")], false).await;
    let asking = bed.browser().sign_in("microsoft", "alice").await;
    assert_eq!(asking.message_ids(), [1_010_016]);
}

#[tokio::test]
async fn e10_an_address_that_was_given_up_and_taken_back_is_not_proven_any_more() {
    let bed = builder(automatic()).start().await;
    let mut browser = bed.browser();
    let alice = browser.sign_in("social", "alice").await.identity_id();
    assert_eq!(bed.identity(alice).await.proven_addresses.len(), 1);
    for (email, proofs) in [("alice@contoso.example", 1), ("other@contoso.example", 0), ("alice@contoso.example", 0)] {
        let flow = browser.begin_settings().await.flow();
        browser.submit(&flow, &[("method", "profile"), ("traits.email", email)]).await;
        let identity = bed.identity(alice).await;
        assert_eq!((&identity.traits["email"], identity.proven_addresses.len()), (&json!(email), proofs));
    }
    let asking = bed.browser().sign_in("microsoft", "alice").await;
    assert_eq!(asking.message_ids(), [1_010_016]);
}

#[tokio::test]
async fn e13_links_come_and_go_and_the_last_way_in_stays() {
    let bed = builder(json!({})).start().await;
    let mut browser = bed.browser();
    let alice = browser.sign_in("social", "alice").await.identity_id();
    browser.link("microsoft", "alice").await;
    assert_eq!(bed.identity(alice).await.oidc_links().len(), 2);
    let flow = browser.begin_settings().await.flow();
    browser.submit(&flow, &[("unlink", "microsoft")]).await;
    assert_eq!(bed.identity(alice).await.oidc_links().len(), 1);
    let refused = browser.submit(&flow, &[("unlink", "social")]).await;
    assert_eq!(refused.message_ids(), [4_000_001]);
    assert_eq!(bed.identity(alice).await.oidc_links().len(), 1);
}

#[tokio::test]
async fn e13_a_session_that_ends_while_it_links_links_nothing_and_one_that_is_extended_stays_so() {
    let bed = builder(json!({})).start().await;
    let mut browser = bed.browser();
    let alice = browser.sign_in("social", "alice").await.identity_id();
    let session = browser.session().await.unwrap();
    let store = &bed.deps.store;
    let visit = linking_visit(&mut browser).await;
    let ending = async { assert!(store.deactivate_session(session.id).await.unwrap()) };
    let refused = browser.call_back_while(&visit, ending).await;
    assert_eq!(refused.error()["code"], 401);
    assert_eq!(bed.identity(alice).await.oidc_links().len(), 1);

    browser.sign_in("social", "alice").await.expect_session();
    let session = browser.session().await.unwrap();
    let later = session.expires_at + Duration::from_secs(3600);
    let visit = linking_visit(&mut browser).await;
    let extending = async { assert!(store.extend_session(session.id, later).await.unwrap()) };
    browser.call_back_while(&visit, extending).await;
    let linked = browser.session().await.unwrap();
    assert_eq!((linked.expires_at, linked.authentication_methods.len()), (later, 2));
    assert_eq!(bed.identity(alice).await.oidc_links().len(), 2);
}

/// As far as the way back from the account that is to be linked.
async fn linking_visit(browser: &mut Browser<'_>) -> Visit {
    let flow = browser.begin_settings().await.flow();
    let away = browser.submit(&flow, &[("link", "microsoft")]).await.away().unwrap();
    browser.visit(&away, "alice").await
}

#[tokio::test]
async fn e13_somebody_elses_link_is_never_moved() {
    let bed = builder(json!({})).start().await;
    let bob = bed.browser().sign_in("microsoft", "bob").await.identity_id();
    let mut browser = bed.browser();
    let carol = browser.sign_in("social", "carol").await.identity_id();
    let refused = browser.link("microsoft", "bob").await;
    assert_eq!(refused.message_ids(), [4_000_007]);
    assert_eq!(bed.identity(bob).await.oidc_links().len(), 1);
    assert_eq!(bed.identity(carol).await.oidc_links().len(), 1);
}

#[tokio::test]
async fn e10_the_longest_way_links_updates_and_signs_in() {
    let mut settings = automatic();
    settings["update_identity_on_login"] = json!("automatic");
    let bed = builder(settings).start().await;
    let alice = bed.browser().sign_in("social", "alice").await.identity_id();
    assert_eq!(bed.browser().sign_in("microsoft", "alice").await.identity_id(), alice);
    assert!(bed.identity(alice).await.metadata_admin.unwrap()["groups"].is_array());
}
