//! Signing out at the provider, too (I2).

use crate::bed::Bed;
use serde_json::json;

#[tokio::test]
async fn i2_signing_out_leads_by_way_of_the_provider_with_the_right_account() {
    let bed = Bed::with_provider(json!({ "logout": { "upstream": true } })).await;
    let mut alice = bed.signed_in("alice").await;
    let to = url::Url::parse(&alice.sign_out().await.unwrap()).unwrap();
    assert!(to.as_str().starts_with(bed.entra.base_url()), "{to}");
    assert!(to.path().ends_with("/oauth2/v2.0/logout"));
    let hint = bed.control().person("alice").unwrap().login_hint();
    let query: std::collections::BTreeMap<_, _> = to.query_pairs().into_owned().collect();
    assert_eq!(query["logout_hint"], hint);
    assert_eq!(query["post_logout_redirect_uri"], "https://app.example/");
    assert!(alice.session().await.is_none());
}

#[tokio::test]
async fn i2_by_default_the_provider_is_left_alone() {
    let bed = Bed::new().await;
    let mut alice = bed.signed_in("alice").await;
    assert_eq!(alice.sign_out().await.as_deref(), Some("https://app.example/"));
}
