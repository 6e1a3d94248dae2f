//! Whose people may in, and what is believed of the tenant that a token names (A15, B1-B5, B8, B15, C7).

use crate::bed::Bed;
use crate::browser::{Answer, Browser};
use bia_fake_entra::{
    CONTOSO_TENANT_ID, Endpoint, EndpointFault, FABRIKAM_TENANT_ID, Fault, IdTokenFault, TEST_CLIENT_ID,
    TEST_CLIENT_SECRET,
};
use bia_model::Flow;
use bia_selfservice::Outcome;
use serde_json::{Value, json};

/// Work account, foreign work account, personal account, guest of the first one's organization.
const EVERYBODY: [&str; 4] = ["alice", "bob", "carol", "guest"];

/// The five forms of `microsoft_tenant`, and whom each admits.
fn five_forms() -> [(&'static str, Vec<&'static str>); 5] {
    [
        ("common", vec!["alice", "bob", "carol", "guest"]),
        ("organizations", vec!["alice", "bob", "guest"]),
        ("consumers", vec!["carol"]),
        (CONTOSO_TENANT_ID, vec!["alice", "guest"]),
        ("contoso.example", vec!["alice", "guest"]),
    ]
}

/// Goes to the provider, but by way of `common`, where Entra lets everybody in: whoever sits at a browser can edit the
/// address, so the token's tenant alone may decide.
async fn by_common(browser: &mut Browser<'_>, sent: Answer, tenant: &str, persona: &str) -> Answer {
    let honest = sent.away().unwrap();
    let path = format!("/{tenant}/oauth2/v2.0/authorize?");
    assert!(honest.contains(&path), "{honest}");
    let edited = honest.replacen(&path, "/common/oauth2/v2.0/authorize?", 1);
    let back = browser.visit(&edited, persona).await;
    browser.call_back(&back).await
}

async fn press_by_common(browser: &mut Browser<'_>, flow: &Flow, tenant: &str, persona: &str) -> Answer {
    let sent = browser.submit(flow, &[("provider", "microsoft"), ("method", "oidc")]).await;
    by_common(browser, sent, tenant, persona).await
}

/// Everybody signs in; exactly the admitted ones get a session, and nobody else becomes somebody.
async fn assert_admits(bed: &Bed, admitted: &[&str], why: &str) {
    for persona in EVERYBODY {
        let answer = bed.browser().sign_in("microsoft", persona).await;
        assert_admitted(&answer, admitted.contains(&persona), &format!("{why}: {persona}"));
    }
    assert_eq!(bed.count_identities().await, admitted.len(), "{why}");
}

fn assert_admitted(answer: &Answer, expected: bool, why: &str) {
    let signed_in = matches!(answer.0.outcome, Outcome::SignedIn { .. } | Outcome::Registered { .. });
    let has_cookie = answer.0.effects.session.is_some();
    assert_eq!(signed_in || has_cookie, expected, "{why}: {:?}", answer.0.outcome);
}

#[tokio::test]
async fn b1_each_form_of_tenant_signs_in_its_own_people_and_nobody_else() {
    for (tenant, admitted) in five_forms() {
        let bed = Bed::with_provider(json!({ "microsoft_tenant": tenant })).await;
        for persona in &admitted {
            bed.browser().sign_in("microsoft", persona).await.expect_session();
        }
        for persona in EVERYBODY.into_iter().filter(|persona| !admitted.contains(persona)) {
            let mut browser = bed.browser();
            let flow = browser.begin_login("").await.flow();
            let answer = press_by_common(&mut browser, &flow, tenant, persona).await;
            assert_admitted(&answer, false, &format!("{tenant}: {persona}"));
            assert!(browser.session().await.is_none());
        }
        assert_eq!(bed.count_identities().await, admitted.len(), "{tenant}");
    }
}

#[tokio::test]
async fn b2_a_token_of_another_tenant_signs_in_registers_and_links_nobody() {
    let bed = Bed::builder()
        .provider(json!({ "microsoft_tenant": CONTOSO_TENANT_ID }))
        .plain_provider("social", "pkce", json!({}))
        .start()
        .await;
    let mut browser = bed.browser();
    for persona in ["bob", "carol", "mallory"] {
        let flow = browser.begin_login("").await.flow();
        press_by_common(&mut browser, &flow, CONTOSO_TENANT_ID, persona).await.expect_nobody();
        let flow = browser.begin_registration("").await.flow();
        press_by_common(&mut browser, &flow, CONTOSO_TENANT_ID, persona).await.expect_nobody();
    }
    assert_eq!(bed.count_identities().await, 0);
    // In settings it is no different; the same edited address links somebody of the right tenant.
    browser.sign_in("social", "carol").await.expect_session();
    for (persona, links) in [("bob", 1), ("alice", 2)] {
        let flow = browser.begin_settings().await.flow();
        let sent = browser.submit(&flow, &[("link", "microsoft")]).await;
        by_common(&mut browser, sent, CONTOSO_TENANT_ID, persona).await;
        let owner = browser.session().await.unwrap().identity_id;
        assert_eq!(bed.identity(owner).await.oidc_links().len(), links, "{persona}");
    }
}

#[tokio::test]
async fn b2_a_token_that_names_no_tenant_or_a_wrong_one_signs_nobody_in() {
    let bed = Bed::with_provider(json!({ "microsoft_tenant": CONTOSO_TENANT_ID })).await;
    let dropped = IdTokenFault::Claims { claims: serde_json::Map::new(), drop: vec!["tid".to_owned()] };
    for fault in [IdTokenFault::WrongTid { value: None }, dropped] {
        bed.control().add_fault(Fault::id_token(fault).times(1));
        bed.browser().sign_in("microsoft", "alice").await.expect_nobody();
    }
    bed.browser().sign_in("microsoft", "alice").await.expect_session();
}

#[tokio::test]
async fn b3_only_people_of_listed_tenants_sign_in() {
    for (list, admitted) in [
        (json!([CONTOSO_TENANT_ID]), vec!["alice", "guest"]),
        (json!(["fabrikam.example"]), vec!["bob"]),
        (json!([CONTOSO_TENANT_ID, "fabrikam.example"]), vec!["alice", "bob", "guest"]),
    ] {
        let bed = Bed::with_provider(json!({ "microsoft": { "allowed_tenants": list } })).await;
        assert_admits(&bed, &admitted, &list.to_string()).await;
    }
}

#[tokio::test]
async fn b4_personal_accounts_sign_in_unless_they_are_denied() {
    for (policy, admitted) in [("allow", &EVERYBODY[..]), ("deny", &["alice", "bob", "guest"])] {
        let bed = Bed::with_provider(json!({ "microsoft": { "personal_accounts": policy } })).await;
        assert_admits(&bed, admitted, policy).await;
    }
}

#[tokio::test]
async fn b15_guests_sign_in_unless_they_are_denied() {
    for (policy, expected) in [("allow", true), ("deny", false)] {
        let bed = Bed::with_provider(json!({ "microsoft": { "guests": policy } })).await;
        // Gus has his account in another organization, Olga has a mailbox and nothing else.
        for persona in ["guest", "otp"] {
            let answer = bed.browser().sign_in("microsoft", persona).await;
            assert_admitted(&answer, expected, &format!("{policy}: {persona}"));
        }
        for persona in ["alice", "bob", "carol"] {
            bed.browser().sign_in("microsoft", persona).await.expect_session();
        }
    }
}

#[tokio::test]
async fn b15_somebody_who_became_a_guest_is_refused_with_the_link_of_former_days() {
    let bed = Bed::with_provider(json!({ "microsoft": { "guests": "deny" } })).await;
    bed.signed_in("alice").await;
    let mut alice = bed.control().person("alice").unwrap();
    alice.acct = Some(1);
    bed.control().put_person(alice);
    bed.browser().sign_in("microsoft", "alice").await.expect_nobody();
}

/// The keys of `common`, each said to sign for this issuer alone.
async fn publish_keys_for(bed: &Bed, issuer: &str) {
    let url = format!("{}/common/discovery/v2.0/keys", bed.entra.base_url());
    let answer = bed.deps.outbound.get(&url).send().await.unwrap();
    let mut body: Value = serde_json::from_slice(&answer.body).unwrap();
    for key in body["keys"].as_array_mut().unwrap() {
        assert!(key["issuer"].as_str().unwrap().contains("{tenantid}"), "Entra writes a template");
        key["issuer"] = json!(issuer);
    }
    let published =
        EndpointFault::Status { status: 200, retry_after: None, body: Some(body), headers: Default::default() };
    bed.control().add_fault(Fault::at(Endpoint::Keys, published));
}

#[tokio::test]
async fn b5_a_key_of_one_tenant_signs_in_nobody_of_another() {
    let people = [("alice", CONTOSO_TENANT_ID), ("bob", FABRIKAM_TENANT_ID)];
    for (_, owner) in people {
        let bed = Bed::new().await;
        publish_keys_for(&bed, &format!("{}/{owner}/v2.0", bed.entra.base_url())).await;
        for (persona, tenant) in people {
            let answer = bed.browser().sign_in("microsoft", persona).await;
            assert_admitted(&answer, tenant == owner, &format!("{persona} with a key of {owner}"));
        }
        assert_eq!(bed.count_identities().await, 1);
    }
}

#[tokio::test]
async fn b5_an_issuer_that_is_not_that_of_the_tokens_tenant_signs_nobody_in() {
    let bed = Bed::new().await;
    let of_fabrikam = format!("{}/{FABRIKAM_TENANT_ID}/v2.0", bed.entra.base_url());
    let templated = format!("{}/{{tenantid}}/v2.0", bed.entra.base_url());
    for issuer in [None, Some(of_fabrikam), Some(templated)] {
        bed.control().add_fault(Fault::id_token(IdTokenFault::WrongIss { value: issuer }).times(1));
        bed.browser().sign_in("microsoft", "alice").await.expect_nobody();
    }
    // The template is filled with each token's own tenant.
    for persona in ["alice", "bob", "carol"] {
        bed.browser().sign_in("microsoft", persona).await.expect_session();
    }
}

#[tokio::test]
async fn b8_a_domain_admits_the_members_of_its_tenant_and_not_whoever_has_an_address_there() {
    let bed = Bed::with_provider(json!({ "microsoft_tenant": "contoso.example" })).await;
    let mut browser = bed.browser();
    // Mallory wrote an address of the domain into a directory of her own.
    let flow = browser.begin_login("").await.flow();
    press_by_common(&mut browser, &flow, "contoso.example", "mallory").await.expect_nobody();
    // A tenant is an id: a token that calls it by its domain is none of Entra's.
    let claims = json!({ "tid": "contoso.example" }).as_object().cloned().unwrap();
    bed.control().add_fault(Fault::id_token(IdTokenFault::Claims { claims, drop: Vec::new() }).times(1));
    bed.browser().sign_in("microsoft", "alice").await.expect_nobody();
    assert_eq!(bed.count_identities().await, 0);
    // Norman's address is in another domain of the same tenant.
    let mut norman = bed.control().person("noemail").unwrap();
    norman.email = Some("norman@contoso.onmicrosoft.example".to_owned());
    bed.control().put_person(norman);
    for member in ["alice", "noemail"] {
        bed.browser().sign_in("microsoft", member).await.expect_session();
    }
}

#[tokio::test]
async fn a15_a_secret_file_that_is_rewritten_counts_at_the_next_sign_in() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "a-secret-of-yesterday\n").unwrap();
    let bed = Bed::with_provider(json!({ "client_secret": null, "client_secret_file": file.path() })).await;
    bed.browser().sign_in("microsoft", "alice").await.expect_nobody();
    std::fs::write(file.path(), format!("{TEST_CLIENT_SECRET}\n")).unwrap();
    bed.browser().sign_in("microsoft", "alice").await.expect_session();
    // What was read before is not kept for later.
    std::fs::write(file.path(), "a-secret-of-tomorrow\n").unwrap();
    bed.browser().sign_in("microsoft", "alice").await.expect_nobody();
}

#[tokio::test]
async fn c7_an_app_with_its_own_signing_key_signs_people_in_once_it_is_said() {
    for (said, expected) in [(false, false), (true, true)] {
        let bed = Bed::with_provider(json!({ "microsoft": { "custom_signing_key": said } })).await;
        let mut client = bed.control().client(TEST_CLIENT_ID).unwrap();
        client.custom_signing_key = true;
        bed.control().put_client(client);
        let answer = bed.browser().sign_in("microsoft", "alice").await;
        assert_admitted(&answer, expected, &format!("custom_signing_key: {said}"));
    }
}
