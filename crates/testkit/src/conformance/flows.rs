//! Flows, continuity containers, errors, token exchanges and the audit of subject migrations.

use crate::sample::{NOW, continuity, flow, later, token_exchange};
use bia_model::{FlowKind, FlowState};
use bia_store::{ConflictKind, Page, SelfServiceError, Store, StoreError, SubjectMigration, TokenHash};
use serde_json::json;
use uuid::Uuid;

pub async fn a_flow_comes_back_as_it_was_put_in_if_the_kind_fits(store: &Store) {
    let flow = flow(FlowKind::Login);
    store.insert_flow(&flow).await.unwrap();
    let found = store.find_flow(FlowKind::Login, flow.id).await.unwrap();
    assert_eq!(found.as_ref(), Some(&flow));
    assert_eq!(store.find_flow(FlowKind::Settings, flow.id).await.unwrap(), None);
    assert_eq!(store.find_flow_of_any_kind(flow.id).await.unwrap(), Some(flow));
    assert_eq!(store.find_flow_of_any_kind(Uuid::new_v4()).await.unwrap(), None);
}

pub async fn a_flow_is_replaced_and_deleted(store: &Store) {
    let mut flow = flow(FlowKind::Registration);
    store.insert_flow(&flow).await.unwrap();
    flow.state = FlowState::Success;
    flow.return_to = None;
    store.update_flow(&flow).await.unwrap();
    let found = store.find_flow(FlowKind::Registration, flow.id).await.unwrap();
    assert_eq!(found.as_ref(), Some(&flow));
    assert!(store.delete_flow(flow.id).await.unwrap());
    assert!(!store.delete_flow(flow.id).await.unwrap());
}

pub async fn an_update_of_a_missing_flow_is_not_found(store: &Store) {
    let outcome = store.update_flow(&flow(FlowKind::Login)).await;
    assert!(matches!(outcome, Err(StoreError::NotFound { .. })), "{outcome:?}");
}

pub async fn a_container_is_taken_once_and_only_by_its_binding(store: &Store) {
    let container = continuity("state");
    assert!(store.put_continuity(&container).await.unwrap());
    assert_eq!(store.find_continuity("state").await.unwrap().as_ref(), Some(&container));
    assert_eq!(store.take_continuity("state", "stranger").await.unwrap(), None);
    assert_eq!(store.take_continuity("other", "browser").await.unwrap(), None);
    assert_eq!(store.take_continuity("state", "browser").await.unwrap(), Some(container));
    assert_eq!(store.take_continuity("state", "browser").await.unwrap(), None);
    assert_eq!(store.find_continuity("state").await.unwrap(), None);
}

pub async fn a_container_is_replaced_only_under_its_own_binding(store: &Store) {
    let mut container = continuity("settings");
    assert!(store.put_continuity(&container).await.unwrap());
    container.payload = "new".to_owned();
    container.identity_id = None;
    container.expires_at = later(900);
    assert!(store.put_continuity(&container).await.unwrap());
    let mut strange = container.clone();
    strange.binding = "stranger".to_owned();
    strange.payload = "poison".to_owned();
    assert!(!store.put_continuity(&strange).await.unwrap());
    assert_eq!(store.find_continuity("settings").await.unwrap(), Some(container));
}

pub async fn an_error_remembers_when_it_was_first_seen(store: &Store) {
    let error = SelfServiceError {
        id: Uuid::new_v4(),
        body: json!({"code": 400, "message": "x"}),
        created_at: NOW,
        updated_at: NOW,
        seen_at: None,
    };
    store.insert_self_service_error(&error).await.unwrap();
    let seen = SelfServiceError { seen_at: Some(later(1)), ..error.clone() };
    for at in [later(1), later(2)] {
        let found = store.see_self_service_error(error.id, at).await.unwrap();
        assert_eq!(found.as_ref(), Some(&seen));
    }
    assert_eq!(store.see_self_service_error(Uuid::new_v4(), NOW).await.unwrap(), None);
}

pub async fn a_token_exchange_walks_from_init_code_to_session(store: &Store) {
    let mut exchange = token_exchange(Uuid::new_v4(), "init");
    store.insert_token_exchange(&exchange).await.unwrap();
    let hash = TokenHash::of("init");
    let found = store.find_token_exchange_by_init_code(&hash).await.unwrap();
    assert_eq!(found.as_ref(), Some(&exchange));
    exchange.return_to_code_hash = Some(TokenHash::of("return"));
    exchange.session_id = Some(Uuid::new_v4());
    exchange.sealed_token = Some("sealed".to_owned());
    store
        .set_token_exchange_return(exchange.id, &TokenHash::of("return"), exchange.session_id, Some("sealed"))
        .await
        .unwrap();
    // The exchange answers twice, so reading doesn't use it up.
    for _ in 0..2 {
        let found = store.find_token_exchange_by_init_code(&hash).await.unwrap();
        assert_eq!(found.as_ref(), Some(&exchange));
    }
    let missing = store.set_token_exchange_return(Uuid::new_v4(), &hash, None, None).await;
    assert!(matches!(missing, Err(StoreError::NotFound { .. })), "{missing:?}");
    assert!(!format!("{exchange:?}").contains("sealed"));
}

pub async fn a_token_exchange_follows_its_flow(store: &Store) {
    let (login, registration) = (Uuid::new_v4(), Uuid::new_v4());
    let exchange = token_exchange(login, "init");
    store.insert_token_exchange(&exchange).await.unwrap();
    assert!(store.move_token_exchange(login, registration).await.unwrap());
    assert!(!store.move_token_exchange(login, registration).await.unwrap());
    assert_eq!(store.find_token_exchange_by_flow(login).await.unwrap(), None);
    let found = store.find_token_exchange_by_flow(registration).await.unwrap().unwrap();
    assert_eq!(found.id, exchange.id);
}

pub async fn two_exchanges_cannot_share_an_init_code(store: &Store) {
    store.insert_token_exchange(&token_exchange(Uuid::new_v4(), "same")).await.unwrap();
    let outcome = store.insert_token_exchange(&token_exchange(Uuid::new_v4(), "same")).await;
    assert!(matches!(outcome, Err(StoreError::Conflict { what: ConflictKind::Key, .. })), "{outcome:?}");
}

pub async fn subject_migrations_are_listed_until_rolled_back_once(store: &Store) {
    let migration = SubjectMigration {
        id: Uuid::new_v4(),
        provider: "microsoft".to_owned(),
        old_identifier: "microsoft:old".to_owned(),
        new_identifier: "microsoft:tid/oid".to_owned(),
        identity_id: Uuid::new_v4(),
        created_at: NOW,
        rolled_back_at: None,
    };
    store.insert_subject_migration(&migration).await.unwrap();
    let list = async |provider| store.list_subject_migrations(provider, &Page::first(10)).await.unwrap().items;
    assert!(list("google").await.is_empty());
    assert_eq!(list("microsoft").await, std::slice::from_ref(&migration));
    store.roll_back_subject_migration(migration.id, later(1)).await.unwrap();
    assert!(list("microsoft").await.is_empty());
    let again = store.roll_back_subject_migration(migration.id, later(2)).await;
    assert!(matches!(again, Err(StoreError::NotFound { .. })), "{again:?}");
}
