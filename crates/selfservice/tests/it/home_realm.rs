//! Home-realm discovery, and organisations' own connections (A, B).

use crate::bed::{Bed, Builder, PUBLIC};
use crate::browser::{Answer, buttons, node};
use bia_fake_entra::CONTOSO_TENANT_ID;
use bia_model::Flow;
use bia_selfservice::Outcome;
use serde_json::{Value, json};

const ORGANIZATION: &str = "0a9a0000-0000-4000-8000-000000000001";

/// Contoso's connection, found by its domain, and a social one for everybody.
fn builder() -> Builder {
    Bed::builder()
        .provider(json!({
            "id": "contoso",
            "label": "Contoso",
            "microsoft_tenant": CONTOSO_TENANT_ID,
            "subject_source": "oid",
            "microsoft": { "home_realm_domains": ["contoso.example"] },
        }))
        .plain_provider("social", "pkce", json!({}))
}

async fn ask(bed: &Bed, identifier: &str) -> Answer {
    let mut browser = bed.browser();
    let flow = browser.begin_login("").await.flow();
    browser.submit(&flow, &[("method", "identifier_first"), ("identifier", identifier)]).await
}

#[tokio::test]
async fn b9_the_form_shows_kratos_identifier_first_nodes() {
    let bed = builder().start().await;
    let flow = bed.browser().begin_login("").await.flow();
    let identifier = node(&flow, "identifier_first", "identifier").unwrap();
    assert_eq!(
        identifier,
        json!({
            "type": "input",
            "group": "identifier_first",
            "attributes": {
                "name": "identifier", "type": "text", "value": "", "required": true, "disabled": false,
                "autocomplete": "username webauthn", "node_type": "input",
            },
            "messages": [],
            "meta": { "label": {
                "id": 1_070_002, "text": "E-Mail", "type": "info",
                "context": { "title": "E-Mail", "name": "traits.email" },
            } },
        })
    );
    let method = node(&flow, "identifier_first", "method").unwrap();
    assert_eq!(method["attributes"]["value"], "identifier_first");
    assert_eq!(method["attributes"]["type"], "submit");
    assert_eq!(method["meta"]["label"]["id"], 1_070_009);
}

#[tokio::test]
async fn b9_without_home_realm_domains_nothing_differs_from_kratos() {
    let bed = Bed::new().await;
    let mut browser = bed.browser();
    let flow = browser.begin_login("").await.flow();
    assert_eq!(node(&flow, "identifier_first", "identifier"), None);
    assert_eq!(buttons(&flow), ["microsoft"]);
    let answer = browser.submit(&flow, &[("method", "identifier_first"), ("identifier", "a@contoso.example")]).await;
    assert_eq!(answer.message_ids(), [4_010_002]);
}

#[tokio::test]
async fn b9_a_known_domain_leads_straight_to_its_organisation() {
    let bed = builder().start().await;
    let answer = ask(&bed, "Alice@CONTOSO.Example").await;
    assert!(answer.away().unwrap().contains(CONTOSO_TENANT_ID));
    let query = answer.away_query();
    assert_eq!(query["domain_hint"], "contoso.example");
    assert_eq!(query.get("login_hint"), None);
    let mut browser = bed.browser();
    let flow = browser.begin_login("").await.flow();
    let answer =
        browser.submit(&flow, &[("method", "identifier_first"), ("identifier", "alice@contoso.example")]).await;
    assert!(browser.follow(answer, "alice").await.is_registered());
}

#[tokio::test]
async fn b9_people_known_and_unknown_in_one_domain_get_equal_answers() {
    let bed = builder().start().await;
    bed.import("alice@contoso.example", &[], true).await;
    bed.import("somebody@nowhere.example", &[], true).await;
    let shape = |answer: Answer| {
        let mut query = answer.away_query();
        for own in ["state", "nonce", "code_challenge"] {
            query.remove(own).unwrap();
        }
        query
    };
    let (known, unknown) = (ask(&bed, "alice@contoso.example").await, ask(&bed, "nobody@contoso.example").await);
    assert_eq!(shape(known), shape(unknown));

    // In a domain that nobody claims it is the form, byte for byte.
    let mut browser = bed.browser();
    let flow = browser.begin_login("").await.flow();
    let mut bytes = Vec::new();
    for identifier in ["somebody@nowhere.example", "nobody@nowhere.example"] {
        let answer = browser.submit(&flow, &[("method", "identifier_first"), ("identifier", identifier)]).await;
        bytes.push(answer.flow().to_json(None).to_string());
    }
    assert_eq!(bytes[0], bytes[1]);
}

#[tokio::test]
async fn b9_an_unknown_domain_shows_the_form_again_in_the_same_shape() {
    let bed = builder().start().await;
    let mut browser = bed.browser();
    let before = browser.begin_login("").await.flow();
    let answer = browser.submit(&before, &[("method", "identifier_first"), ("identifier", "a@nowhere.example")]).await;
    assert!(matches!(answer.0.outcome, Outcome::FormError { status: 400, .. }));
    assert_eq!(answer.message_ids(), [4_000_001]);
    assert_eq!(answer.flow().ui.nodes, before.ui.nodes);
    for nonsense in ["nobody", "@", "a@b@", "a@127.0.0.1"] {
        assert_eq!(ask(&bed, nonsense).await.message_ids(), [4_000_001], "{nonsense}");
    }
    let missing = browser.submit(&before, &[("method", "identifier_first")]).await;
    assert_eq!(missing.message_ids(), [4_000_002]);
}

#[tokio::test]
async fn b10_of_two_providers_with_one_domain_the_configuration_names_both() {
    let provider = |id: &str| {
        json!({
            "id": id, "provider": "microsoft", "client_id": "a", "client_secret": "b", "microsoft_tenant": "common",
            "mapper_url": "base64://e30=", "microsoft": { "home_realm_domains": ["Contoso.example"] },
        })
    };
    let config = json!({
        "dsn": "memory",
        "identity": { "schemas": [{ "id": "default", "url": "base64://e30=" }] },
        "selfservice": {
            "default_browser_return_url": "https://app.example/",
            "methods": { "oidc": { "enabled": true, "config": { "providers": [provider("one"), provider("two")] } } },
        },
    });
    let errors = bia_config::load_text("kratos.json", &config.to_string()).expect_err("one domain, two providers");
    let text = errors.to_string();
    assert!(text.contains("home_realm_domains") && text.contains("`one`") && text.contains("`two`"), "{text}");
}

#[tokio::test]
async fn b11_the_button_is_hidden_unless_it_shall_always_show() {
    let bed = builder().start().await;
    assert_eq!(buttons(&bed.browser().begin_login("").await.flow()), ["social"]);
    assert_eq!(buttons(&bed.browser().begin_registration("").await.flow()), ["social"]);
    let always = json!({ "microsoft": { "home_realm_domains": ["contoso.example"], "always_show_button": true } });
    let bed = Bed::builder().provider(always).start().await;
    let flow = bed.browser().begin_login("").await.flow();
    assert_eq!(buttons(&flow), ["microsoft"]);
    assert!(node(&flow, "identifier_first", "identifier").is_some());
}

#[tokio::test]
async fn b12_a_social_sign_in_with_an_organisations_address_is_moved_to_the_organisation() {
    let bed = builder().start().await;
    let answer = bed.browser().sign_in("social", "alice").await;
    assert!(answer.is_registered());
    let links = answer.expect_session().0.oidc_links();
    assert_eq!(links.iter().map(|link| link.provider.as_str()).collect::<Vec<_>>(), ["contoso"]);
    // Again, and by way of registration: still one identity.
    let again = bed.browser().sign_up("social", "alice").await;
    assert_eq!(again.identity_id(), answer.identity_id());
    assert_eq!(bed.count_identities().await, 1);
}

#[tokio::test]
async fn b12_whoever_claims_the_address_without_proof_ends_at_the_organisation_too() {
    let bed = builder().start().await;
    let mut browser = bed.browser();
    let flow = browser.begin_login("").await.flow();
    let answer = browser.submit(&flow, &[("provider", "social")]).await;
    // Mallory wrote Alice's address into her own account.
    let back = browser.visit(&answer.away().unwrap(), "mallory").await;
    let moved = browser.call_back(&back).await;
    assert!(moved.away().unwrap().contains(CONTOSO_TENANT_ID));
    moved.expect_nobody();
    assert_eq!(bed.count_identities().await, 0);
}

#[tokio::test]
async fn b12_everybody_else_stays_with_the_social_account() {
    let bed = builder().start().await;
    let answer = bed.browser().sign_in("social", "carol").await;
    assert_eq!(answer.expect_session().0.oidc_links()[0].provider, "social");
}

fn organized() -> Builder {
    builder().provider(json!({
        "id": "fabrikam",
        "organization_id": ORGANIZATION,
        "microsoft_tenant": "fabrikam.example",
        "microsoft": { "home_realm_domains": ["fabrikam.example"] },
    }))
}

/// The connection of an organization has a callback of its own, which its registration at Entra names.
async fn bed_of_organization() -> Bed {
    let bed = organized().start().await;
    let callback = format!("{PUBLIC}/self-service/methods/oidc/organization/{ORGANIZATION}/callback/fabrikam");
    bed.control().set_redirect_uris(Some(vec![callback]));
    bed
}

fn organization(flow: &Flow) -> Value {
    flow.to_json(None)["organization_id"].clone()
}

#[tokio::test]
async fn b7_an_organizations_flow_shows_its_connection_and_sets_the_organization() {
    let bed = bed_of_organization().await;
    let mut browser = bed.browser();
    let flow = browser.begin_login(&format!("organization={ORGANIZATION}")).await.flow();
    assert_eq!(buttons(&flow), ["fabrikam"]);
    assert_eq!(organization(&flow), ORGANIZATION);
    assert_eq!(node(&flow, "identifier_first", "identifier"), None);
    let answer = browser.press(&flow, "fabrikam", "bob").await;
    let identity = answer.expect_session().0;
    assert_eq!(identity.organization_id.unwrap().to_string(), ORGANIZATION);
    // Nobody of another organization, and nobody without one, gets in by its connection.
    let other = bed.browser().begin_login("").await.flow();
    let answer = bed.browser().submit(&other, &[("provider", "fabrikam")]).await;
    assert_eq!(answer.error()["code"], 404);
}

#[tokio::test]
async fn b7_the_domain_leads_into_the_organization() {
    let bed = bed_of_organization().await;
    let mut browser = bed.browser();
    let flow = browser.begin_login("").await.flow();
    let answer = browser.submit(&flow, &[("method", "identifier_first"), ("identifier", "bob@fabrikam.example")]).await;
    let answer = browser.follow(answer, "bob").await;
    assert_eq!(answer.expect_session().0.organization_id.unwrap().to_string(), ORGANIZATION);
}
