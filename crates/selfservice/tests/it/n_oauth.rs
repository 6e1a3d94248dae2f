//! The nOAuth attack: somebody in a tenant of their own writes the victim's address into their account. Whatever the
//! linking mode and whatever counts as proof, they never reach the victim (E6).

use crate::bed::{Bed, Builder};
use bia_fake_entra::CONTOSO_TENANT_ID;
use serde_json::{Map, Value, json};
use uuid::Uuid;

const VICTIM: &str = "alice@contoso.example";

/// Every linking mode with everything that may count as proof.
fn settings() -> Vec<Value> {
    let mut all = Vec::new();
    for mode in ["confirm_with_existing_credential", "automatic"] {
        for proof in ["none", "xms_edov", "tenant"] {
            let mut microsoft = json!({ "email_verified_from": proof });
            if proof == "tenant" {
                microsoft["trusted_domains"] = json!({ CONTOSO_TENANT_ID: ["contoso.example"] });
            }
            all.push(json!({ "account_linking_mode": mode, "update_identity_on_login": "automatic", "microsoft": microsoft }));
        }
    }
    all
}

fn builder(settings: &Value) -> Builder {
    Bed::builder().provider(settings.clone()).plain_provider("social", "pkce", json!({}))
}

/// Alice, whose address is proven as well as it can be, with a way in of her own.
async fn victim(bed: &Bed) -> Uuid {
    bed.import(VICTIM, &[("social", "op-alice")], true).await
}

async fn attack(bed: &Bed, attacker: &str, victim: Uuid, why: &str) {
    let before = bed.identity(victim).await;
    for by_registration in [false, true] {
        let mut browser = bed.browser();
        let answer = if by_registration {
            browser.sign_up("microsoft", attacker).await
        } else {
            browser.sign_in("microsoft", attacker).await
        };
        answer.expect_nobody();
        assert!(browser.session().await.is_none(), "{attacker} is signed in: {why}");
    }
    assert_eq!(bed.identity(victim).await, before, "{attacker} changed the victim: {why}");
    assert_eq!(bed.count_identities().await, 1, "{attacker} became somebody with the victim's address: {why}");
}

#[tokio::test]
async fn e6_an_unproven_or_silent_token_never_reaches_the_victim_in_any_linking_mode() {
    for settings in settings() {
        let bed = builder(&settings).start().await;
        let victim = victim(&bed).await;
        for attacker in ["mallory", "trudy"] {
            attack(&bed, attacker, victim, &settings.to_string()).await;
        }
    }
}

#[tokio::test]
async fn e6_forged_proof_never_reaches_the_victim_in_any_linking_mode() {
    let forged: [Value; 9] = [
        json!({ "xms_edov": "true" }),
        json!({ "xms_edov": "True" }),
        json!({ "xms_edov": 2 }),
        json!({ "xms_edov": [true] }),
        json!({ "xms_edov": { "value": true } }),
        json!({ "xms_edov": "yes" }),
        // A claims-mapping policy of the attacker's tenant can emit these.
        json!({ "email_verified": true, "xms_edov": false }),
        json!({ "email_verified": true }),
        // An explicit "no" is never overruled.
        json!({ "xms_edov": true, "email_verified": false }),
    ];
    for settings in settings() {
        let bed = builder(&settings).start().await;
        let victim = victim(&bed).await;
        for claims in &forged {
            bed.control().overlay_claims(object(claims));
            attack(&bed, "trudy", victim, &format!("{claims} under {settings}")).await;
        }
    }
}

#[tokio::test]
async fn e6_the_attacker_cannot_confirm_the_link_with_an_account_of_their_own() {
    let bed = builder(&settings()[1]).start().await;
    let victim = victim(&bed).await;
    let before = bed.identity(victim).await;
    bed.signed_in("bob").await;
    let mut browser = bed.browser();
    let asking = browser.sign_in("microsoft", "mallory").await.flow();
    // She is asked to sign in as Alice, and signs in as Bob, whose account she controls.
    let answer = browser.press(&asking, "social", "bob").await;
    answer.expect_nobody();
    let answer = browser.press(&asking, "microsoft", "bob").await;
    answer.expect_nobody();
    assert_eq!(bed.identity(victim).await, before);
}

#[tokio::test]
async fn e6_the_victim_cannot_be_led_into_confirming_the_attackers_link() {
    let bed = builder(&settings()[1]).start().await;
    let victim = victim(&bed).await;
    let before = bed.identity(victim).await;
    let asking = bed.browser().sign_in("microsoft", "mallory").await.flow();
    // Alice follows a link into Mallory's flow with her own browser, and is who she says.
    let mut alice = bed.browser();
    alice.press(&asking, "social", "alice").await.expect_nobody();
    assert_eq!(bed.identity(victim).await, before);
    // In a browser of her own she confirms what she proposed herself.
    let asking = alice.sign_in("microsoft", "alice").await.flow();
    alice.press(&asking, "social", "alice").await.expect_session();
    assert_eq!(bed.identity(victim).await.oidc_links().len(), 2);
}

#[tokio::test]
async fn e6_an_address_that_nobody_proved_on_this_side_is_not_linked_either() {
    // Alice's row was made by somebody who typed her address: the real Alice must not be led into it.
    let automatic = json!({ "account_linking_mode": "automatic", "microsoft": { "email_verified_from": "xms_edov" } });
    let bed = builder(&automatic).start().await;
    let squatter = bed.import(VICTIM, &[("social", "op-mallory")], false).await;
    let before = bed.identity(squatter).await;
    bed.browser().sign_in("microsoft", "alice").await.expect_nobody();
    assert_eq!(bed.identity(squatter).await, before);
}

#[tokio::test]
async fn e6_a_foreign_tenants_token_is_not_believed_for_the_victims_subject() {
    // The same object id in another tenant is another person.
    let bed = Bed::with_provider(json!({ "subject_source": "tid_oid" })).await;
    let alice = bed.signed_in("alice").await.session().await.unwrap().identity_id;
    let mut trudy = bed.control().person("trudy").unwrap();
    trudy.oid = bed.control().person("alice").unwrap().oid;
    bed.control().put_person(trudy);
    bed.browser().sign_in("microsoft", "trudy").await.expect_nobody();
    assert_eq!(bed.identity(alice).await.oidc_links().len(), 1);
}

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap()
}
