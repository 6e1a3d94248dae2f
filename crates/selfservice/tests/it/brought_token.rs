//! ID tokens that a client brings itself, where no callback stands between the form and the session.

use crate::bed::Bed;
use bia_fake_entra::{Mint, TEST_CLIENT_ID};
use serde_json::json;

const NONCE: &str = "a-nonce-of-the-app";

fn token(bed: &Bed, person: &str) -> String {
    let mint = Mint {
        person: person.to_owned(),
        client_id: TEST_CLIENT_ID.to_owned(),
        nonce: Some(NONCE.to_owned()),
        ..Mint::default()
    };
    bed.control().mint_id_token(&mint).expect("a token")
}

#[tokio::test]
async fn a_browser_takes_a_token_from_its_own_page_alone() {
    let bed = Bed::new().await;
    let token = token(&bed, "alice");
    let fields = [("provider", "microsoft"), ("id_token", token.as_str()), ("id_token_nonce", NONCE)];
    let mut victim = bed.browser();
    let flow = bed.browser().begin_login("").await.flow();
    let forged = victim.submit_forged(&flow, &fields).await;
    forged.expect_nobody();
    assert_eq!(forged.error()["id"], "security_csrf_violation");
    assert_eq!(bed.count_identities().await, 0);
    let own = victim.begin_login("").await.flow();
    victim.submit(&own, &fields).await.expect_session();
}

#[tokio::test]
async fn in_settings_a_token_links_and_neither_signs_in_nor_registers() {
    let bed = Bed::builder().provider(json!({})).plain_provider("social", "pkce", json!({})).start().await;
    let mut browser = bed.browser();
    let own = browser.sign_in("social", "alice").await.identity_id();
    let token = token(&bed, "bob");
    let flow = browser.begin_settings().await.flow();
    let fields = [("link", "microsoft"), ("id_token", token.as_str()), ("id_token_nonce", NONCE)];
    browser.submit(&flow, &fields).await.expect_nobody();
    assert_eq!(browser.session().await.map(|session| session.identity_id), Some(own));
    assert_eq!(bed.count_identities().await, 1);
    let linked: Vec<String> = bed.identity(own).await.oidc_links().into_iter().map(|link| link.provider).collect();
    assert_eq!(linked, ["social", "microsoft"]);
}
