//! Front-channel logout (I1).

use crate::bed::Bed;
use crate::browser::{Answer, Browser};
use bia_fake_entra::TEST_CLIENT_ID;
use bia_selfservice::Outcome;
use serde_json::json;

async fn sid_of(browser: &Browser<'_>) -> String {
    browser.session().await.unwrap().upstream.unwrap().sid.unwrap()
}

/// Always the same answer: 200, framed by the sign-in host alone.
fn expect_answer(bed: &Bed, answer: &Answer) {
    assert!(matches!(answer.0.outcome, Outcome::Html { status: 200, .. }));
    assert_eq!(answer.0.effects.frame_ancestors.as_deref(), Some(bed.entra.base_url()));
}

#[tokio::test]
async fn i1_the_sid_alone_ends_the_session_without_any_cookie() {
    let bed = Bed::new().await;
    let alice = bed.signed_in("alice").await;
    let elsewhere = bed.signed_in("alice").await;
    let answer = bed.browser().load_logout_frame("microsoft", &format!("sid={}", sid_of(&alice).await)).await;
    expect_answer(&bed, &answer);
    assert!(alice.session().await.is_none());
    // Another sign-in of the same person is another session of the provider.
    assert!(elsewhere.session().await.is_some());
}

#[tokio::test]
async fn i1_unknown_sids_get_the_same_answer_and_end_nothing() {
    let bed = Bed::new().await;
    let alice = bed.signed_in("alice").await;
    for query in ["sid=unknown", "sid=", "", &format!("sid={}", "x".repeat(10_000))] {
        let answer = bed.browser().load_logout_frame("microsoft", query).await;
        expect_answer(&bed, &answer);
    }
    assert!(alice.session().await.is_some());
}

#[tokio::test]
async fn i1_another_provider_cannot_end_the_session() {
    let bed = Bed::builder().provider(json!({})).provider(json!({ "id": "other" })).start().await;
    let alice = bed.signed_in("alice").await;
    let query = format!("sid={}", sid_of(&alice).await);
    bed.browser().load_logout_frame("other", &query).await;
    let nobody = bed.browser().load_logout_frame("nobody", &query).await;
    assert!(matches!(nobody.0.outcome, Outcome::Html { status: 200, .. }));
    assert_eq!(nobody.0.effects.frame_ancestors.as_deref(), Some("'none'"));
    assert!(alice.session().await.is_some());
}

#[tokio::test]
async fn i1_it_can_be_switched_off() {
    let bed = Bed::with_provider(json!({ "logout": { "front_channel": false } })).await;
    let alice = bed.signed_in("alice").await;
    let answer = bed.browser().load_logout_frame("microsoft", &format!("sid={}", sid_of(&alice).await)).await;
    assert!(matches!(answer.0.outcome, Outcome::Html { status: 200, .. }));
    assert!(alice.session().await.is_some());
}

#[tokio::test]
async fn i1_entras_own_sign_out_reaches_the_session() {
    let bed = Bed::new().await;
    let mut client = bed.control().client(TEST_CLIENT_ID).unwrap();
    client.front_channel_logout_uri = Some("https://bia.example/self-service/methods/oidc/logout/microsoft".to_owned());
    bed.control().put_client(client);
    let alice = bed.signed_in("alice").await;
    let frames = bed.control().front_channel_logouts("alice");
    assert_eq!(frames.len(), 1);
    let (_, query) = frames[0].split_once('?').unwrap();
    bed.browser().load_logout_frame("microsoft", query).await;
    assert!(alice.session().await.is_none());
}
