//! The shipped personas are what the stand-in issues.

use bia_fake_entra::{TokenFor, TokenVersion, find_person};
use bia_workbench::personas;
use serde_json::{Map, Value, json};

use crate::persona;

/// Who has which shape at the stand-in.
const PEOPLE: [(&str, &str); 12] = [
    ("member", "alice"),
    ("guest", "guest"),
    ("personal", "carol"),
    ("no-mail", "noemail"),
    ("unproven-mail", "mallory"),
    ("proven-mail", "bob"),
    ("overage", "manygroups"),
    ("many-roles", "manyroles"),
    ("one-time-code", "otp"),
    ("v1-claims", "v1claims"),
    ("on-premises", "onprem"),
    ("unicode", "unicode"),
];

/// The token as the stand-in makes it, with fixed text where Entra puts random text.
fn token(key: &str) -> Map<String, Value> {
    let person = find_person(key).expect("a person");
    let tenant_id = match person.tenant {
        bia_fake_entra::Tenant::Contoso => bia_fake_entra::CONTOSO_TENANT_ID,
        bia_fake_entra::Tenant::Fabrikam => bia_fake_entra::FABRIKAM_TENANT_ID,
        bia_fake_entra::Tenant::Consumers => bia_fake_entra::CONSUMERS_TENANT_ID,
    };
    let scopes = ["openid", "profile", "email"].map(str::to_owned);
    let mut claims = bia_fake_entra::claims(
        &person,
        &TokenFor {
            version: TokenVersion::V2,
            issuer: &format!("https://login.microsoftonline.com/{tenant_id}/v2.0"),
            tenant_id,
            client_id: bia_fake_entra::TEST_CLIENT_ID,
            scopes: &scopes,
            nonce: Some("n-0S6_WzA2Mj"),
            now: 1_760_000_000,
            lifetime: 3900,
            session_id: "0051d000-0000-4000-8000-000000000001",
            group_claims: true,
            group_limit: 200,
            acrs: &[],
            auth_time: None,
        },
    );
    for name in ["aio", "rh", "uti"] {
        if let Some(random) = claims.get_mut(name) {
            *random = json!(format!("{name}-of-the-persona"));
        }
    }
    claims
}

/// With `BIA_UPDATE_PERSONAS=1` the files are written anew, after a change of the stand-in's people.
#[test]
fn each_persona_is_the_token_that_the_stand_in_issues() {
    let mut different = Vec::new();
    for (name, key) in PEOPLE {
        let person = find_person(key).expect("a person");
        let mut expected = json!({ "about": person.about, "person": key, "id_token": token(key) });
        if !person.profile.is_empty() {
            expected["graph"] = Value::Object(person.profile.clone());
        }
        let path = format!("{}/personas/{name}.json", env!("CARGO_MANIFEST_DIR"));
        if std::env::var_os("BIA_UPDATE_PERSONAS").is_some() {
            std::fs::write(&path, format!("{expected:#}\n")).expect("written");
        }
        let shipped: Value = serde_json::from_str(&std::fs::read_to_string(&path).expect("shipped")).expect("JSON");
        if shipped != expected {
            different.push(name);
        }
    }
    assert!(different.is_empty(), "{different:?} differ from the stand-in; run once with BIA_UPDATE_PERSONAS=1");
}

#[test]
fn there_are_twelve_and_each_is_found_by_both_names() {
    assert_eq!(personas::all().len(), 12);
    for (name, key) in PEOPLE {
        assert_eq!(personas::find(name).expect("by name").name, name);
        assert_eq!(personas::find(key).expect("by person").name, name);
    }
    assert!(personas::find("nobody").is_none());
}

#[test]
fn the_shapes_are_what_their_names_say() {
    let claims = |name: &str| serde_json::from_str::<Value>(&persona(name).json).expect("JSON");
    assert_eq!(claims("guest")["raw_claims"]["acct"], 1);
    assert_eq!(claims("personal")["raw_claims"]["tid"], bia_fake_entra::CONSUMERS_TENANT_ID);
    assert_eq!(claims("no-mail").get("email"), None);
    assert_eq!(claims("unproven-mail")["raw_claims"]["xms_edov"], false);
    assert_eq!(claims("proven-mail")["raw_claims"]["xms_edov"], true);
    assert!(claims("overage")["raw_claims"]["_claim_names"]["groups"].is_string());
    assert_eq!(claims("overage")["raw_claims"].get("groups"), None);
    assert_eq!(claims("many-roles")["raw_claims"]["roles"].as_array().map(Vec::len), Some(60));
    assert_eq!(claims("one-time-code")["raw_claims"]["idp"], "mail");
    assert!(claims("v1-claims")["raw_claims"]["unique_name"].is_string());
    assert_eq!(claims("on-premises")["raw_claims"]["groups"][0], "CONTOSO\\Finance");
    assert!(claims("unicode")["name"].as_str().is_some_and(|name| !name.is_ascii()));
    assert_eq!(claims("member").get("given_name"), None, "Entra's v2 tokens have no given_name by themselves");
}
