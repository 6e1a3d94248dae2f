//! Removing what has expired.

use crate::sample::{NOW, continuity, earlier, flow, insert_person, insert_session, later, session, token_exchange};
use bia_model::{FlowKind, Identity, Timestamp};
use bia_store::{CleanupOptions, SelfServiceError, Store};
use serde_json::json;
use std::time::Duration;
use uuid::Uuid;

/// One row of each kind that ends at that moment; an error page ends a day after it was made.
async fn insert_all(store: &Store, identity: &Identity, expires_at: Timestamp) {
    let mut session = session(identity);
    session.expires_at = expires_at;
    insert_session(store, &session).await;
    let mut flow = flow(FlowKind::Login);
    flow.expires_at = expires_at;
    store.insert_flow(&flow).await.unwrap();
    let id = Uuid::new_v4().to_string();
    let mut container = continuity(&id);
    container.expires_at = expires_at;
    assert!(store.put_continuity(&container).await.unwrap());
    let mut exchange = token_exchange(flow.id, &id);
    exchange.expires_at = expires_at;
    store.insert_token_exchange(&exchange).await.unwrap();
    let made_at = expires_at - Duration::from_secs(86_400);
    let error = SelfServiceError {
        id: Uuid::new_v4(),
        body: json!({}),
        created_at: made_at,
        updated_at: made_at,
        seen_at: None,
    };
    store.insert_self_service_error(&error).await.unwrap();
}

pub async fn cleanup_removes_what_expired_and_nothing_else(store: &Store) {
    let alice = insert_person(store, "alice").await;
    insert_all(store, &alice, earlier(1)).await;
    insert_all(store, &alice, later(1)).await;
    assert_eq!(store.count_expired(NOW).await.unwrap(), 5);
    let report = store.cleanup(&CleanupOptions::new(NOW)).await.unwrap();
    assert_eq!(store.count_expired(NOW).await.unwrap(), 0);
    let counts = [report.sessions, report.flows, report.continuity, report.token_exchanges, report.self_service_errors];
    assert_eq!((counts, report.total()), ([1; 5], 5));
    let left = store.statistics().await.unwrap();
    assert_eq!((left.identities, left.sessions, left.flows, left.continuity), (1, 1, 1, 1));
    assert_eq!((left.token_exchanges, left.self_service_errors), (1, 1));
    assert_eq!(store.cleanup(&CleanupOptions::new(NOW)).await.unwrap().total(), 0);
}

pub async fn cleanup_keeps_what_expired_lately(store: &Store) {
    let alice = insert_person(store, "alice").await;
    insert_all(store, &alice, earlier(100)).await;
    let mut options = CleanupOptions::new(NOW);
    options.keep_last = Duration::from_secs(101);
    assert_eq!(store.cleanup(&options).await.unwrap().total(), 0);
    options.keep_last = Duration::from_secs(99);
    assert_eq!(store.cleanup(&options).await.unwrap().total(), 5);
}

pub async fn cleanup_of_many_rows_goes_batch_by_batch(store: &Store) {
    let mut unit = store.begin().await.unwrap();
    for _ in 0..95 {
        let mut flow = flow(FlowKind::Login);
        flow.expires_at = earlier(1);
        unit.insert_flow(&flow).await.unwrap();
    }
    unit.commit().await.unwrap();
    let mut options = CleanupOptions::new(NOW);
    options.batch_size = 10;
    assert_eq!(store.cleanup(&options).await.unwrap().flows, 95);
}

pub async fn statistics_count_rows(store: &Store) {
    let alice = insert_person(store, "alice").await;
    insert_person(store, "bob").await;
    insert_all(store, &alice, later(1)).await;
    let counted = store.statistics().await.unwrap();
    assert_eq!((counted.identities, counted.sessions, counted.flows), (2, 1, 1));
    assert_eq!(counted.subject_migrations, 0);
}
