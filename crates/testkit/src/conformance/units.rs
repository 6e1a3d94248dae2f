//! Units of work: all or nothing, and never in anybody's way.

use crate::sample::{flow, insert_person, insert_session, person, session};
use bia_model::{CredentialsType, FlowKind};
use bia_store::{Store, StoreError, TokenHash};
use std::time::Duration;

pub async fn nothing_is_kept_before_the_commit(store: &Store) {
    let (identity, flow) = (person("alice"), flow(FlowKind::Login));
    let mut unit = store.begin().await.unwrap();
    unit.insert_identity(&identity).await.unwrap();
    unit.insert_session(&session(&identity), &TokenHash::of("t")).await.unwrap();
    unit.insert_flow(&flow).await.unwrap();
    unit.commit().await.unwrap();
    assert!(store.find_identity(identity.id).await.unwrap().is_some());
    assert!(store.find_session_by_token_hash(&TokenHash::of("t")).await.unwrap().is_some());
    assert!(store.find_flow(FlowKind::Login, flow.id).await.unwrap().is_some());
}

pub async fn a_dropped_unit_leaves_nothing_and_blocks_nobody(store: &Store) {
    for _ in 0..20 {
        let mut unit = store.begin().await.unwrap();
        unit.insert_identity(&person("alice")).await.unwrap();
        drop(unit);
    }
    insert_person(store, "alice").await;
    assert_eq!(store.statistics().await.unwrap().identities, 1);
}

pub async fn a_rolled_back_unit_leaves_nothing(store: &Store) {
    let identity = person("alice");
    let mut unit = store.begin().await.unwrap();
    unit.insert_identity(&identity).await.unwrap();
    unit.rollback().await;
    assert_eq!(store.find_identity(identity.id).await.unwrap(), None);
}

pub async fn a_unit_that_failed_cannot_be_committed(store: &Store) {
    insert_person(store, "alice").await;
    let bob = person("bob");
    let mut unit = store.begin().await.unwrap();
    unit.insert_identity(&bob).await.unwrap();
    unit.insert_identity(&person("alice")).await.unwrap_err();
    let later = unit.find_identity(bob.id).await;
    assert!(matches!(later, Err(StoreError::Aborted)), "{later:?}");
    let outcome = unit.commit().await;
    assert!(matches!(outcome, Err(StoreError::Aborted)), "{outcome:?}");
    assert_eq!(store.find_identity(bob.id).await.unwrap(), None);
}

pub async fn a_unit_sees_its_own_writes(store: &Store) {
    let identity = person("alice");
    let mut unit = store.begin().await.unwrap();
    unit.insert_identity(&identity).await.unwrap();
    let found = unit.find_identity_by_identifier(CredentialsType::Oidc, "microsoft:alice").await;
    assert_eq!(found.unwrap().unwrap().id, identity.id);
    assert!(unit.find_identity_for_update(identity.id).await.unwrap().is_some());
    unit.commit().await.unwrap();
}

pub async fn a_cancelled_begin_blocks_nobody(store: &Store) {
    let holder = store.begin().await.unwrap();
    // These stand in line behind the holder (SQLite) or are stopped half-way (PostgreSQL).
    for _ in 0..10 {
        let _ = tokio::time::timeout(Duration::ZERO, store.begin()).await;
    }
    holder.rollback().await;
    for index in 0..10 {
        insert_person(store, &format!("p{index}")).await;
    }
}

pub async fn the_store_is_ready_once_migrated_and_migrating_again_does_nothing(store: &Store) {
    assert!(store.is_ready().await.unwrap());
    assert!(store.migrate().await.unwrap().is_empty());
    let status = store.migration_status().await.unwrap();
    assert!(!status.is_empty());
    assert!(status.iter().all(|migration| migration.applied_at.is_some()));
}

pub async fn a_sound_database_checks_out(store: &Store) {
    let alice = insert_person(store, "alice").await;
    insert_session(store, &session(&alice)).await;
    assert!(store.check_integrity().await.unwrap().is_empty());
}
