//! Proof of addresses, people without one, imported people, groups and roles (E4, E5, E8, E9, E11, F).

use crate::bed::{Bed, MAPPER};
use bia_fake_entra::{CONTOSO_TENANT_ID, Endpoint, EndpointFault, Fault, Mint, TEST_CLIENT_ID};
use bia_identity::admin::{self, Admin};
use bia_model::Identity;
use serde_json::json;

async fn registered(bed: &Bed, persona: &str) -> Identity {
    let id = bed.browser().sign_in("microsoft", persona).await.identity_id();
    bed.identity(id).await
}

fn trusting() -> serde_json::Value {
    json!({ "microsoft": {
        "email_verified_from": "tenant",
        "trusted_domains": { CONTOSO_TENANT_ID: ["contoso.example"] },
    } })
}

#[tokio::test]
async fn e4_a_trusted_tenant_proves_its_members_addresses_in_its_own_domains_alone() {
    let bed = Bed::with_provider(trusting()).await;
    let alice = registered(&bed, "alice").await;
    assert_eq!(alice.proven_addresses, ["alice@contoso.example"]);
    assert_eq!(alice.proven_by["alice@contoso.example"], "provider:microsoft");
    for (persona, why) in [("bob", "another tenant"), ("guest", "a guest"), ("carol", "a personal account")] {
        assert!(registered(&bed, persona).await.proven_addresses.is_empty(), "{why}");
    }
}

#[tokio::test]
async fn e5_xms_edov_proves_an_address_and_its_absence_does_not() {
    let bed = Bed::with_provider(json!({ "microsoft": { "email_verified_from": "xms_edov" } })).await;
    assert_eq!(registered(&bed, "bob").await.proven_addresses, ["bob@fabrikam.example"]);
    assert!(registered(&bed, "carol").await.proven_addresses.is_empty());
    assert!(registered(&bed, "mallory").await.proven_addresses.is_empty());
}

#[tokio::test]
async fn e5_by_default_nothing_proves_an_address() {
    let bed = Bed::new().await;
    assert!(registered(&bed, "alice").await.proven_addresses.is_empty());
}

#[tokio::test]
async fn e8_what_the_mapper_vouches_for_is_verified_without_a_mail() {
    let bed = Bed::new().await;
    let identity = registered(&bed, "alice").await;
    assert!(identity.verifiable_addresses[0].verified);
    assert_eq!(identity.verifiable_addresses[0].status, "completed");
    let silent = MAPPER.replace("if email != '' then [{ via: 'email', value: email }] else []", "[]");
    let bed = Bed::builder().mapper(&silent).provider(json!({})).start().await;
    assert!(!registered(&bed, "alice").await.verifiable_addresses[0].verified);
}

#[tokio::test]
async fn e9_people_without_an_address_get_a_form_with_that_one_field_and_no_loop() {
    let bed = Bed::new().await;
    let mut browser = bed.browser();
    let form = browser.sign_in("microsoft", "noemail").await.flow();
    let empty = form.ui.nodes.iter().filter(|node| {
        node.attributes.name.starts_with("traits.") && node.attributes.value.is_none() && node.attributes.required
    });
    assert_eq!(empty.map(|node| node.attributes.name.as_str()).collect::<Vec<_>>(), ["traits.email"]);
    let answer = browser.submit(&form, &[("provider", "microsoft"), ("traits.email", "norman@mail.example")]).await;
    let answer = browser.follow(answer, "noemail").await;
    assert_eq!(answer.expect_session().0.traits["email"], "norman@mail.example");
    // Nobody proved the typed address.
    assert!(answer.expect_session().0.proven_addresses.is_empty());
    assert_eq!(bed.browser().sign_in("microsoft", "noemail").await.identity_id(), answer.identity_id());
}

#[tokio::test]
async fn e9_a_mapper_may_fall_back_to_the_user_name() {
    let fallback = MAPPER.replace("else '';\n", "else claims.preferred_username;\n");
    let bed = Bed::builder().mapper(&fallback).provider(json!({})).start().await;
    let answer = bed.browser().sign_in("microsoft", "noemail").await;
    assert_eq!(answer.expect_session().0.traits["email"], "norman@contoso.onmicrosoft.example");
}

#[tokio::test]
async fn e11_an_imported_link_is_used_at_the_first_sign_in() {
    let bed = Bed::with_provider(json!({ "subject_source": "tid_oid" })).await;
    let subject = format!("{CONTOSO_TENANT_ID}/a11ce000-0000-4000-8000-000000000001");
    let imported = bed.import("other-address@contoso.example", &[("microsoft", &subject)], false).await;
    assert_eq!(bed.browser().sign_in("microsoft", "alice").await.identity_id(), imported);
    assert_eq!(bed.count_identities().await, 1);
}

#[tokio::test]
async fn e11_an_imported_proven_address_of_the_own_tenant_is_matched() {
    let mut settings = trusting();
    settings["account_linking_mode"] = json!("automatic");
    let bed = Bed::with_provider(settings).await;
    let imported = bed.import("alice@contoso.example", &[], true).await;
    assert_eq!(bed.browser().sign_in("microsoft", "alice").await.identity_id(), imported);
    // From now on the link counts, whatever becomes of the address.
    bed.control().drop_claims(&["email"]);
    assert_eq!(bed.browser().sign_in("microsoft", "alice").await.identity_id(), imported);
    assert_eq!(bed.count_identities().await, 1);
}

/// Somebody whom an administrator created, with or without their word for the address.
async fn created(bed: &Bed, verified: bool) -> Identity {
    let address = json!({ "value": "alice@contoso.example", "via": "email", "verified": verified });
    let body = json!({ "traits": { "email": "alice@contoso.example" }, "verifiable_addresses": [address] });
    admin::create(admin_of(bed), serde_json::from_value(body).unwrap()).await.unwrap()
}

fn admin_of(bed: &Bed) -> Admin<'_> {
    Admin { store: &bed.deps.store, schemas: &bed.deps.schemas, now: bed.now() }
}

#[tokio::test]
async fn e11_an_administrators_word_for_an_address_is_a_proof_and_is_known_as_theirs() {
    let mut settings = trusting();
    settings["account_linking_mode"] = json!("automatic");
    for verified in [true, false] {
        let bed = Bed::with_provider(settings.clone()).await;
        let alice = created(&bed, verified).await;
        assert_eq!(alice.proven_by.get("alice@contoso.example").map(String::as_str), verified.then_some("admin"));
        let answer = bed.browser().sign_in("microsoft", "alice").await;
        if verified {
            assert_eq!(answer.identity_id(), alice.id);
        } else {
            assert_eq!(answer.message_ids(), [1_010_016], "the owner is asked");
        }
    }
}

#[tokio::test]
async fn e11_an_administrators_word_is_what_they_state_and_not_what_they_leave_as_it_was() {
    let bed = Bed::new().await;
    // The mapper of these tests believes any address: verified, and proven by nobody.
    let id = registered(&bed, "alice").await.id;
    let patch = async |body: serde_json::Value| {
        let patched = admin::patch(admin_of(&bed), Some(id), body.to_string().as_bytes()).await.unwrap();
        (patched.verifiable_addresses[0].verified, patched.proven_addresses.len(), patched.proven_by.len())
    };
    let verified =
        |verified: bool| json!([{ "op": "replace", "path": "/verifiable_addresses/0/verified", "value": verified }]);
    assert_eq!(patch(json!([{ "op": "add", "path": "/metadata_admin", "value": { "a": 1 } }])).await, (true, 0, 0));
    assert_eq!(patch(verified(true)).await, (true, 0, 0));
    assert_eq!(patch(verified(false)).await, (false, 0, 0));
    assert_eq!(patch(verified(true)).await, (true, 1, 1));
    assert_eq!(patch(verified(false)).await, (false, 0, 0));
}

#[tokio::test]
async fn f7_the_profile_follows_at_each_sign_in_and_typed_traits_stay() {
    let mapper = MAPPER.replace("[if 'name' in claims then 'name']: claims.name,", "");
    let settings = json!({ "update_identity_on_login": "automatic", "microsoft": { "profile": ["jobTitle"] } });
    let bed = Bed::builder().mapper(&mapper).provider(settings).start().await;
    let id = registered(&bed, "alice").await.id;
    let mut identity = bed.identity(id).await;
    assert_eq!(identity.metadata_admin.as_ref().unwrap()["graph"]["jobTitle"], "Engineer");
    let previous = identity.updated_at;
    identity.traits["name"] = json!("Ally");
    let mut unit = bed.deps.store.begin().await.unwrap();
    unit.update_identity(&identity, previous).await.unwrap();
    unit.commit().await.unwrap();
    let title = json!({ "jobTitle": "Director" });
    bed.control().overlay_graph(title.as_object().cloned().unwrap());
    let identity = registered(&bed, "alice").await;
    assert_eq!(identity.metadata_admin.unwrap()["graph"]["jobTitle"], "Director");
    assert_eq!(identity.traits["name"], "Ally");
}

#[tokio::test]
async fn f8_linking_in_settings_runs_the_mapper_only_when_asked() {
    for (map_on_link, expected) in [(false, false), (true, true)] {
        let bed = Bed::builder()
            .provider(json!({ "map_on_link": map_on_link }))
            .plain_provider("social", "pkce", json!({ "mapper_url": null }))
            .start()
            .await;
        let mut browser = bed.browser();
        browser.sign_in("social", "carol").await.expect_session();
        browser.link("microsoft", "alice").await;
        let identity = bed.identity(browser.session().await.unwrap().identity_id).await;
        assert_eq!(identity.oidc_links().len(), 2);
        let groups = identity.metadata_admin.is_some_and(|metadata| metadata["groups"].is_array());
        assert_eq!(groups, expected);
        assert_eq!(identity.traits["email"], "carol@personal.example");
    }
}

#[tokio::test]
async fn f9_groups_of_the_token_land_in_metadata() {
    let bed = Bed::new().await;
    let groups = registered(&bed, "alice").await.metadata_admin.unwrap()["groups"].as_array().unwrap().len();
    assert_eq!(groups, 3);
}

#[tokio::test]
async fn f13_an_overage_ends_in_metadata_complete_or_not_at_all() {
    let bed = Bed::with_provider(json!({ "microsoft": { "groups": {} } })).await;
    let groups = registered(&bed, "manygroups").await.metadata_admin.unwrap()["groups"].as_array().unwrap().len();
    assert_eq!(groups, 250);
    bed.control().add_fault(Fault::at(Endpoint::Graph, EndpointFault::status(503)));
    bed.browser().sign_in("microsoft", "manygroups").await.expect_nobody();
    assert_eq!(bed.count_identities().await, 1);
}

#[tokio::test]
async fn f13_an_overage_that_is_only_flagged_never_looks_like_no_groups() {
    let bed = Bed::with_provider(json!({ "microsoft": { "groups": { "on_overage": "flag" } } })).await;
    let metadata = registered(&bed, "manygroups").await.metadata_admin.unwrap();
    assert_eq!(metadata["graph"]["groups_missing"], true);
    assert!(metadata["groups"].is_null());
}

#[tokio::test]
async fn f17_without_a_listed_role_nobody_becomes_somebody() {
    let bed = Bed::with_provider(json!({ "roles": { "allowed": ["Admin"] } })).await;
    registered(&bed, "alice").await;
    bed.browser().sign_in("microsoft", "bob").await.expect_nobody();
    assert_eq!(bed.count_identities().await, 1);
}

#[tokio::test]
async fn a_mapper_that_denies_leaves_nobody_and_shows_its_reason() {
    let deny = "{ deny: { reason: 'Contractors use the other entrance.' } }";
    let bed = Bed::builder().mapper(deny).provider(json!({})).start().await;
    let answer = bed.browser().sign_in("microsoft", "alice").await;
    answer.expect_nobody();
    let shown = (4_000_001, "Contractors use the other entrance.".to_owned());
    assert!(answer.messages().contains(&shown), "{:?}", answer.messages());
    assert_eq!(bed.count_identities().await, 0);
}

#[tokio::test]
async fn f5_tenant_and_every_other_claim_reach_the_mapper_as_received() {
    let all = "{ identity: { traits: { email: 'somebody@contoso.example' },
        metadata_admin: { claims: std.extVar('claims') } } }";
    let bed = Bed::builder().mapper(all).provider(json!({})).start().await;
    // An aggregated claim, in the most believable form: a good token of the same issuer for the same application.
    let lay_over = |claims: serde_json::Value| bed.control().overlay_claims(claims.as_object().cloned().unwrap());
    lay_over(json!({ "phone_number": "+49 30 5550123", "email": "chief@contoso.example" }));
    let mint = Mint { person: "alice".into(), client_id: TEST_CLIENT_ID.into(), ..Mint::default() };
    let inner = bed.control().mint_id_token(&mint).unwrap();
    let names = json!({ "phone_number": "src1", "email": "src1" });
    let sources = json!({ "src1": { "JWT": inner } });
    lay_over(json!({ "_claim_names": names, "_claim_sources": sources }));
    let claims = registered(&bed, "alice").await.metadata_admin.unwrap()["claims"].clone();
    let raw = &claims["raw_claims"];
    assert_eq!(raw["tid"], CONTOSO_TENANT_ID);
    assert_eq!(raw["acct"], 0);
    assert_eq!((&raw["_claim_names"], &raw["_claim_sources"]), (&names, &sources));
    // Nothing out of it became a claim of the token around it.
    for claims in [&claims, raw] {
        assert!(claims.get("phone_number").is_none(), "{claims}");
        assert_eq!(claims["email"], "alice@contoso.example");
    }
}

#[tokio::test]
async fn f16_app_roles_and_directory_roles_reach_the_mapper() {
    let roles = "local raw = std.extVar('claims').raw_claims;
        { identity: { traits: { email: 'somebody@contoso.example' },
        metadata_admin: { roles: raw.roles, directory: std.length(raw.wids) } } }";
    let bed = Bed::builder().mapper(roles).provider(json!({})).start().await;
    let metadata = registered(&bed, "manyroles").await.metadata_admin.unwrap();
    assert_eq!(metadata["roles"].as_array().unwrap().len(), 60);
    assert_eq!(metadata["directory"], 2);
}

#[tokio::test]
async fn c6_a_v1_token_signs_nobody_in_and_is_called_what_it_is() {
    let bed = Bed::new().await;
    let issuer = format!("https://sts.windows.net/{CONTOSO_TENANT_ID}/");
    bed.control().overlay_claims(json!({ "ver": "1.0", "iss": issuer }).as_object().cloned().unwrap());
    let answer = bed.browser().sign_in("microsoft", "alice").await;
    answer.expect_nobody();
    assert!(answer.messages().iter().any(|(id, text)| *id == 4_000_001 && text.contains("old version")));
    bed.control().overlay_claims(serde_json::Map::new());
    bed.browser().sign_in("microsoft", "alice").await.expect_session();
}
