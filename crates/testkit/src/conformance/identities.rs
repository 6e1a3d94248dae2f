//! Identities one at a time: finding, changing, uniqueness.

use crate::sample::{insert_identity, insert_person, insert_session, later, link, person, session};
use bia_model::{CredentialsType, Identity, IdentityState};
use bia_store::{AddressKind, ConflictKind, Result, Store, StoreError, Transaction};
use uuid::Uuid;

async fn try_insert(store: &Store, identity: &Identity) -> Result<()> {
    let mut unit = store.begin().await?;
    let outcome = unit.insert_identity(identity).await;
    end(unit, outcome).await
}

async fn try_update(store: &Store, identity: &Identity, previous: &Identity) -> Result<()> {
    let mut unit = store.begin().await?;
    let outcome = unit.update_identity(identity, previous.updated_at).await;
    end(unit, outcome).await
}

/// Waits for what failed to be undone: of a database in memory, readers see it until then.
async fn end(unit: Transaction, outcome: Result<()>) -> Result<()> {
    match outcome {
        Ok(()) => unit.commit().await,
        Err(error) => {
            unit.rollback().await;
            Err(error)
        }
    }
}

fn assert_conflict(outcome: Result<()>, expected: ConflictKind, expected_value: &str) {
    match outcome {
        Err(StoreError::Conflict { what, value }) => {
            assert_eq!((what, value.as_str()), (expected, expected_value));
        }
        other => panic!("expected a conflict, got {other:?}"),
    }
}

pub async fn an_identity_comes_back_exactly_as_it_was_put_in(store: &Store) {
    let mut identity = person("alice");
    identity.external_id = Some("ext-1".to_owned());
    identity.organization_id = Some(Uuid::new_v4());
    identity.state = IdentityState::Inactive;
    insert_identity(store, &identity).await;
    let found = store.find_identity(identity.id).await.unwrap().unwrap();
    assert_eq!(found, identity);
    let order = serde_json::to_string(&found.metadata_public).unwrap();
    assert_eq!(order, r#"{"order":["z","a"],"n":1.5}"#);
    assert_eq!(store.find_identity(Uuid::new_v4()).await.unwrap(), None);
}

pub async fn identities_are_found_by_identifier_address_and_external_id(store: &Store) {
    let mut alice = person("alice");
    alice.external_id = Some("ext-1".to_owned());
    insert_identity(store, &alice).await;
    let bob = insert_person(store, "bob").await;
    let by_link = store.find_identity_by_identifier(CredentialsType::Oidc, "microsoft:alice").await;
    assert_eq!(by_link.unwrap().unwrap().id, alice.id);
    let by_address = store.find_identity_by_address(AddressKind::Recovery, "email", "bob@contoso.com").await;
    assert_eq!(by_address.unwrap().unwrap().id, bob.id);
    let wrong_via = store.find_identity_by_address(AddressKind::Verifiable, "sms", "bob@contoso.com").await;
    assert_eq!(wrong_via.unwrap(), None);
    let by_external = store.find_identity_by_external_id("ext-1").await.unwrap();
    assert_eq!(by_external.unwrap().id, alice.id);
    let mut ids = [alice.id, bob.id];
    ids.sort_unstable();
    let both = store.find_identities(&[bob.id, Uuid::new_v4(), alice.id]).await.unwrap();
    assert_eq!(both.iter().map(|found| found.id).collect::<Vec<_>>(), ids);
    assert!(store.find_identities(&[]).await.unwrap().is_empty());
}

pub async fn identifiers_are_compared_with_case_and_per_type(store: &Store) {
    insert_person(store, "alice").await;
    for (kind, identifier) in [
        (CredentialsType::Oidc, "microsoft:Alice"),
        (CredentialsType::Oidc, "Microsoft:alice"),
        (CredentialsType::Code, "microsoft:alice"),
        (CredentialsType::Oidc, "microsoft:alic_"),
        (CredentialsType::Oidc, "microsoft:alice "),
    ] {
        let found = store.find_identity_by_identifier(kind, identifier).await.unwrap();
        assert_eq!(found, None, "{identifier}");
    }
    let mut other = person("bob");
    other.set_oidc_links(vec![link("microsoft", "ALICE")], later(0));
    insert_identity(store, &other).await;
}

pub async fn a_taken_identifier_is_a_conflict_that_names_it(store: &Store) {
    insert_person(store, "alice").await;
    let mut thief = person("mallory");
    thief.set_oidc_links(vec![link("google", "m"), link("microsoft", "alice")], later(1));
    let outcome = try_insert(store, &thief).await;
    assert_conflict(outcome, ConflictKind::CredentialIdentifier, "microsoft:alice");
    assert_eq!(store.find_identity(thief.id).await.unwrap(), None);
    let half = store.find_identity_by_identifier(CredentialsType::Oidc, "google:m").await;
    assert_eq!(half.unwrap(), None, "the other link must not stay behind");
}

pub async fn a_taken_address_is_a_conflict_that_names_it(store: &Store) {
    let alice = insert_person(store, "alice").await;
    let mut thief = person("mallory");
    thief.verifiable_addresses = alice.verifiable_addresses.clone();
    let outcome = try_insert(store, &thief).await;
    assert_conflict(outcome, ConflictKind::VerifiableAddress, "alice@contoso.com");
    let mut thief = person("mallory");
    thief.recovery_addresses = alice.recovery_addresses.clone();
    let outcome = try_insert(store, &thief).await;
    assert_conflict(outcome, ConflictKind::RecoveryAddress, "alice@contoso.com");
}

pub async fn a_taken_external_id_is_a_conflict_that_names_it(store: &Store) {
    let mut alice = person("alice");
    alice.external_id = Some("ext-1".to_owned());
    insert_identity(store, &alice).await;
    let mut bob = person("bob");
    bob.external_id = Some("ext-1".to_owned());
    assert_conflict(try_insert(store, &bob).await, ConflictKind::ExternalId, "ext-1");
    bob.external_id = None;
    insert_identity(store, &bob).await;
    insert_person(store, "carol").await;
}

pub async fn a_taken_key_is_a_conflict(store: &Store) {
    let alice = insert_person(store, "alice").await;
    let mut other = person("bob");
    other.id = alice.id;
    assert_conflict(try_insert(store, &other).await, ConflictKind::Key, "");
}

pub async fn an_update_moves_identifiers_and_addresses(store: &Store) {
    let alice = insert_person(store, "alice").await;
    let mut changed = alice.clone();
    changed.updated_at = later(5);
    changed.set_oidc_links(vec![link("google", "a-1")], later(5));
    changed.verifiable_addresses[0].value = "new@contoso.com".to_owned();
    changed.recovery_addresses.clear();
    changed.external_id = Some("ext".to_owned());
    try_update(store, &changed, &alice).await.unwrap();
    assert_eq!(store.find_identity(alice.id).await.unwrap().unwrap(), changed);
    let old = store.find_identity_by_identifier(CredentialsType::Oidc, "microsoft:alice").await;
    assert_eq!(old.unwrap(), None);
    let new = store.find_identity_by_identifier(CredentialsType::Oidc, "google:a-1").await;
    assert_eq!(new.unwrap().unwrap().id, alice.id);
    let mut heir = person("alice");
    heir.credentials.remove(&CredentialsType::Code);
    insert_identity(store, &heir).await;
}

pub async fn an_update_with_unchanged_identifiers_keeps_them(store: &Store) {
    let alice = insert_person(store, "alice").await;
    let mut changed = alice.clone();
    changed.traits = serde_json::json!({"email": "alice@contoso.com"});
    changed.updated_at = later(1);
    try_update(store, &changed, &alice).await.unwrap();
    let found = store.find_identity_by_identifier(CredentialsType::Oidc, "microsoft:alice").await;
    assert_eq!(found.unwrap().unwrap(), changed);
}

pub async fn an_update_of_what_somebody_else_changed_is_stale(store: &Store) {
    let alice = insert_person(store, "alice").await;
    let mut first = alice.clone();
    first.updated_at = later(1);
    try_update(store, &first, &alice).await.unwrap();
    let mut second = alice.clone();
    second.updated_at = later(2);
    let outcome = try_update(store, &second, &alice).await;
    assert!(matches!(outcome, Err(StoreError::Stale { .. })), "{outcome:?}");
    assert_eq!(store.find_identity(alice.id).await.unwrap().unwrap(), first);
}

pub async fn an_update_of_nobody_is_not_found(store: &Store) {
    let nobody = person("nobody");
    let outcome = try_update(store, &nobody, &nobody).await;
    assert!(matches!(outcome, Err(StoreError::NotFound { .. })), "{outcome:?}");
}

pub async fn an_update_can_conflict(store: &Store) {
    insert_person(store, "alice").await;
    let bob = insert_person(store, "bob").await;
    let mut changed = bob.clone();
    changed.set_oidc_links(vec![link("microsoft", "bob"), link("microsoft", "alice")], later(1));
    let outcome = try_update(store, &changed, &bob).await;
    assert_conflict(outcome, ConflictKind::CredentialIdentifier, "microsoft:alice");
    assert_eq!(store.find_identity(bob.id).await.unwrap().unwrap(), bob);
}

pub async fn deleting_an_identity_frees_everything_it_held(store: &Store) {
    let alice = insert_person(store, "alice").await;
    let hash = insert_session(store, &session(&alice)).await;
    let mut unit = store.begin().await.unwrap();
    assert!(unit.delete_identity(alice.id).await.unwrap());
    assert!(!unit.delete_identity(alice.id).await.unwrap());
    unit.commit().await.unwrap();
    assert_eq!(store.find_session_by_token_hash(&hash).await.unwrap(), None);
    assert_eq!(store.statistics().await.unwrap().sessions, 0);
    insert_person(store, "alice").await;
}

pub async fn the_same_address_twice_in_one_identity_is_no_conflict(store: &Store) {
    let mut alice = person("alice");
    alice.verifiable_addresses.push(alice.verifiable_addresses[0].clone());
    insert_identity(store, &alice).await;
}

pub async fn links_are_counted_per_provider(store: &Store) {
    for (index, provider) in ["ms", "ms", "ms2", "m", "google"].into_iter().enumerate() {
        let mut identity = person(&format!("p{index}"));
        identity.set_oidc_links(vec![link(provider, &format!("s:{index}"))], later(0));
        insert_identity(store, &identity).await;
    }
    for (provider, count) in [("ms", 2), ("ms2", 1), ("m", 1), ("nosuch", 0), ("M", 0)] {
        assert_eq!(store.count_links(provider).await.unwrap(), count, "{provider}");
    }
}

pub async fn linked_providers_are_listed_once_each(store: &Store) {
    for (index, provider) in ["ms", "google", "ms", "ms2", "apple"].into_iter().enumerate() {
        let mut identity = person(&format!("p{index}"));
        identity.set_oidc_links(vec![link(provider, &format!("s:{index}"))], later(0));
        insert_identity(store, &identity).await;
    }
    let mut providers = store.list_linked_providers(10).await.unwrap();
    providers.sort_unstable();
    assert_eq!(providers, ["apple", "google", "ms", "ms2"]);
    assert_eq!(store.list_linked_providers(2).await.unwrap().len(), 2);
}

pub async fn conflicts_never_show_the_value_in_their_texts(store: &Store) {
    insert_person(store, "alice").await;
    let error = try_insert(store, &person("alice")).await.unwrap_err();
    let texts = format!("{error} {error:?}");
    assert!(!texts.contains("alice"), "{texts}");
}
