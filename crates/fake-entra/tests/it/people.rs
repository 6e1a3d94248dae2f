use std::collections::HashSet;

use bia_fake_entra::{CONSUMERS_TENANT_ID, FABRIKAM_TENANT_ID, find_person, people};
use serde_json::json;

use crate::browser::site;

#[test]
fn keys_and_object_ids_are_unique() {
    let keys: HashSet<&str> = people().iter().map(|person| person.key.as_str()).collect();
    let oids: HashSet<&str> = people().iter().map(|person| person.oid.as_str()).collect();
    assert_eq!((keys.len(), oids.len()), (people().len(), people().len()));
    assert!(people().iter().all(|person| !person.about.is_empty()));
}

#[test]
fn addresses_lie_in_example_domains() {
    for person in people() {
        for address in person.email.iter().chain([&person.upn]) {
            assert!(address.to_lowercase().ends_with(".example"), "{}", person.key);
        }
    }
}

#[test]
fn load_names_are_people_of_their_own() {
    let (first, again) = (find_person("load-1").expect("person"), find_person("load-1").expect("person"));
    assert_eq!(first, again);
    assert_ne!(first.oid, find_person("load-2").expect("person").oid);
    assert!(find_person("load-").is_none() && find_person("load-<b>").is_none() && find_person("nobody").is_none());
}

#[tokio::test]
async fn many_groups_become_a_pointer() {
    let site = site().await;
    let claims = site.claims_of("manygroups").await;
    assert!(claims.get("groups").is_none());
    assert_eq!(claims["_claim_names"]["groups"], "src1");
    assert!(claims["_claim_sources"]["src1"]["endpoint"].is_string());
    assert_eq!(site.claims_of("alice").await["groups"].as_array().map(Vec::len), Some(3));
    site.entra.control().set_group_limit(2);
    assert!(site.claims_of("alice").await.get("groups").is_none());
}

#[tokio::test]
async fn each_person_is_special_as_described() {
    let site = site().await;
    assert_eq!(site.claims_of("bob").await["tid"], FABRIKAM_TENANT_ID);
    assert_eq!(site.claims_of("carol").await["tid"], CONSUMERS_TENANT_ID);
    assert!(site.claims_of("noemail").await.get("email").is_none());
    let mallory = site.claims_of("mallory").await;
    assert_eq!((&mallory["email"], &mallory["xms_edov"]), (&json!("alice@contoso.example"), &json!(false)));
    assert!(site.claims_of("trudy").await.get("xms_edov").is_none());
    assert_eq!(site.claims_of("alice").await["xms_edov"], true);
    let guest = site.claims_of("guest").await;
    assert_eq!((&guest["acct"], &guest["preferred_username"]), (&json!(1), &json!("gus@fabrikam.example")));
    assert_eq!(site.claims_of("otp").await["idp"], "mail");
    assert_eq!(site.claims_of("manyroles").await["roles"].as_array().map(Vec::len), Some(60));
    assert_eq!(site.claims_of("v1claims").await["unique_name"], "vera@contoso.example");
    assert_eq!(site.claims_of("onprem").await["groups"][0], "CONTOSO\\Finance");
    assert_eq!(site.claims_of("unicode").await["name"], "Zoë Ångström 山田 😀");
    assert_eq!(site.claims_of("load-7").await["email"], "load-7@contoso.example");
}

#[tokio::test]
async fn scopes_decide_what_a_token_tells() {
    let site = site().await;
    let answer = site.sign_in("common", "alice", &[("scope", "openid")]).await;
    let claims = crate::browser::payload(crate::browser::text(&answer, "id_token"));
    for absent in ["email", "name", "oid", "preferred_username"] {
        assert!(claims.get(absent).is_none(), "{absent}");
    }
    assert!(answer.get("refresh_token").is_none());
}

#[tokio::test]
async fn changed_person_shows_at_the_next_sign_in() {
    let site = site().await;
    let control = site.entra.control();
    let mut alice = control.person("alice").expect("person");
    alice.name = "Alice Changed".into();
    control.put_person(alice);
    assert_eq!(site.claims_of("alice").await["name"], "Alice Changed");
}
