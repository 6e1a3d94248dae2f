use super::*;
use crate::credentials::CredentialsType::{Code, Password, Webauthn};

fn addresses(list: &[DerivedAddress]) -> Vec<(&str, &str)> {
    list.iter().map(|a| (a.via.as_str(), a.value.as_str())).collect()
}

#[test]
fn an_address_becomes_identifier_verifiable_and_recovery_address() {
    let mut traits = json!({ "email": " Alice@Contoso.example" });
    let derived = person().derive(&mut traits);
    assert_eq!(derived.identifiers, [(Password, "alice@contoso.example".to_owned())]);
    assert_eq!(addresses(&derived.verifiable), [("email", "alice@contoso.example")]);
    assert_eq!(addresses(&derived.recovery), [("email", "alice@contoso.example")]);
    // Kratos: the trait keeps its spelling.
    assert_eq!(traits["email"], " Alice@Contoso.example");
}

#[test]
fn phone_numbers_are_rewritten_in_the_traits_too() {
    let schema = one(json!({
        "type": "array",
        "items": {
            "type": "string", "format": "tel",
            "ory.sh/kratos": {
                "credentials": { "code": { "identifier": true, "via": "sms" }, "webauthn": { "identifier": true } },
                "verification": { "via": "sms" }, "recovery": { "via": "sms" }
            }
        }
    }));
    let mut traits = json!({ "x": ["+49 (0)176 671 11 638", "+4917667111638", "+1 415 555 2671"] });
    let derived = schema.derive(&mut traits);
    assert_eq!(traits, json!({ "x": ["+4917667111638", "+4917667111638", "+14155552671"] }));
    let both = [("sms", "+4917667111638"), ("sms", "+14155552671")];
    assert_eq!(addresses(&derived.verifiable), both);
    assert_eq!(addresses(&derived.recovery), both);
    let of = |kind| derived.identifiers.iter().filter(|(k, _)| *k == kind).count();
    assert_eq!((of(Code), of(Webauthn), of(Password)), (2, 2, 0));
}

#[test]
fn only_branches_that_are_visited_count() {
    let email = json!({ "type": "string", "format": "email", "ory.sh/kratos": { "verification": { "via": "email" } } });
    let schema = one(json!({ "anyOf": [{ "type": "number" }, email] }));
    assert_eq!(addresses(&schema.derive(&mut json!({ "x": "a@b.example" })).verifiable), [("email", "a@b.example")]);
    assert!(schema.derive(&mut json!({ "x": 5 })).verifiable.is_empty());
    assert!(schema.has_verifiable_addresses());
    assert!(!one(json!({ "type": "string" })).has_verifiable_addresses());
}

#[test]
fn a_pattern_alone_may_guard_an_address() {
    let schema = one(json!({
        "type": "string", "format": "no-validate",
        "ory.sh/kratos": { "verification": { "via": "email" }, "recovery": { "via": "email" } }
    }));
    assert!(schema.validate(&json!({ "x": "USER-1" })).is_empty());
    let derived = schema.derive(&mut json!({ "x": " USER-1 " }));
    assert_eq!(addresses(&derived.verifiable), [("email", "USER-1")]);
    assert_eq!(addresses(&derived.recovery), [("email", "user-1")]);
    let schema = one(json!({ "type": "string", "ory.sh/kratos": { "verification": { "via": "sms" } } }));
    assert!(schema.validate(&json!({ "x": "+4917667111638" }))[0].message.text.contains("no format specified"));
}

fn identity(traits: Value) -> Identity {
    let mut identity = Identity::new(Uuid::from_u128(1), "default", Timestamp::from_secs(1));
    identity.traits = traits;
    identity
}

#[test]
fn equal_addresses_keep_their_state_and_new_ones_are_pending() {
    let schema = person();
    let mut next = 10;
    let mut new_id = || {
        next += 1;
        Uuid::from_u128(next)
    };
    let mut alice = identity(json!({ "email": "alice@contoso.example" }));
    schema.reconcile(&mut alice, Timestamp::from_secs(1), &mut new_id);
    let password = &alice.credentials[&Password];
    assert_eq!((password.version, &password.identifiers[..]), (1, &["alice@contoso.example".to_owned()][..]));
    let first = alice.verifiable_addresses[0].clone();
    assert_eq!((first.verified, first.status.as_str(), first.created_at), (false, "pending", Timestamp::from_secs(1)));
    alice.verifiable_addresses[0].verified = true;
    alice.verifiable_addresses[0].status = "completed".to_owned();

    alice.traits["email"] = json!("ALICE@contoso.example");
    schema.reconcile(&mut alice, Timestamp::from_secs(2), &mut new_id);
    assert_eq!(alice.verifiable_addresses[0].id, first.id);
    assert!(alice.verifiable_addresses[0].verified);
    assert_eq!(alice.credentials[&Password].updated_at, Timestamp::from_secs(1));

    alice.traits["email"] = json!("other@contoso.example");
    schema.reconcile(&mut alice, Timestamp::from_secs(3), &mut new_id);
    assert_eq!(alice.verifiable_addresses.len(), 1);
    assert!(!alice.verifiable_addresses[0].verified);
    assert_ne!(alice.verifiable_addresses[0].id, first.id);
    let password = &alice.credentials[&Password];
    assert_eq!((password.created_at, password.updated_at), (Timestamp::from_secs(1), Timestamp::from_secs(3)));
    assert_eq!(password.identifiers, ["other@contoso.example"]);
}

#[test]
fn an_address_that_is_given_up_is_free_again() {
    let schema = person();
    let mut new_id = || Uuid::from_u128(7);
    let mut alice = identity(json!({ "email": "alice@contoso.example" }));
    schema.reconcile(&mut alice, Timestamp::from_secs(1), &mut new_id);
    alice.set_oidc_links(vec![crate::OidcLink::default()], Timestamp::from_secs(1));
    for address in ["Alice@contoso.example", "older@contoso.example"] {
        alice.prove(address, "provider:microsoft");
    }
    schema.reconcile(&mut alice, Timestamp::from_secs(1), &mut new_id);
    assert_eq!(alice.proven_addresses, ["alice@contoso.example"]);
    assert_eq!(alice.proven_by.keys().collect::<Vec<_>>(), ["alice@contoso.example"]);
    alice.traits = json!({});
    schema.reconcile(&mut alice, Timestamp::from_secs(2), &mut new_id);
    assert!(alice.proven_addresses.is_empty(), "whoever takes it back has to prove it again");
    assert!(alice.verifiable_addresses.is_empty() && alice.recovery_addresses.is_empty());
    assert_eq!(alice.credentials.keys().copied().collect::<Vec<_>>(), [CredentialsType::Oidc]);
}

#[test]
fn the_code_credential_lists_its_addresses() {
    let schema = one(json!({
        "type": "string", "format": "email",
        "ory.sh/kratos": { "credentials": { "code": { "identifier": true, "via": "email" } } }
    }));
    let mut alice = identity(json!({ "x": "A@b.example" }));
    schema.reconcile(&mut alice, Timestamp::from_secs(1), &mut || Uuid::from_u128(7));
    assert_eq!(
        alice.credentials[&Code].config,
        json!({ "addresses": [{ "channel": "email", "address": "a@b.example" }] })
    );
}
