//! Linking: asked, automatic with proof on both sides, in settings, and back again (E10, E13).

use crate::bed::{Bed, Builder};
use serde_json::{Value, json};

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
