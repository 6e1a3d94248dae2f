//! `Store::check_integrity`: each kind of fault, made behind the store's back, and nothing else.

use bia_store::{ConnectOptions, FaultKind, Store};
use bia_testkit::database::{PostgresSchema, TestDatabase};
use bia_testkit::sample::{insert_person, insert_session, session};
use rusqlite::Connection;

/// A fault, and the SQL that makes it in either database.
const FAULTS: [(FaultKind, &str); 7] = [
    (FaultKind::Index, "DROP INDEX sessions_identity"),
    (FaultKind::Document, "UPDATE identities SET body = '{'"),
    (FaultKind::Document, "UPDATE sessions SET body = 'gone'"),
    (FaultKind::Mismatch, "DELETE FROM credential_identifiers WHERE type = 'oidc'"),
    (
        FaultKind::Mismatch,
        "INSERT INTO addresses (kind, via, value, identity_id) SELECT 'recovery', 'email', 'eve@example.com', id FROM identities",
    ),
    (FaultKind::Mismatch, "UPDATE credential_identifiers SET identifier = 'microsoft:eve' WHERE type = 'oidc'"),
    (FaultKind::Mismatch, "UPDATE sessions SET upstream_provider = 'other'"),
];

async fn expect(store: &Store, kind: FaultKind, made_by: &str) {
    let faults = store.check_integrity().await.expect("a look");
    assert_eq!(faults.iter().map(|fault| fault.kind).collect::<Vec<_>>(), [kind], "{made_by}: {faults:?}");
    assert!(!faults[0].what.contains("example.com") && !faults[0].what.contains("microsoft:"), "{faults:?}");
}

async fn fill(store: &Store) {
    let alice = insert_person(store, "alice").await;
    insert_session(store, &session(&alice)).await;
    assert_eq!(store.check_integrity().await.expect("a look"), []);
}

async fn sqlite_after(damage: &str) -> TestDatabase {
    let database = TestDatabase::sqlite_file().await;
    fill(&database.store).await;
    let path = database.path().expect("a file");
    let past = Connection::open(path).expect("a connection");
    past.execute_batch("PRAGMA foreign_keys = OFF").expect("off");
    past.execute_batch(damage).expect(damage);
    database
}

#[tokio::test]
async fn sqlite_tells_each_fault_from_the_others() {
    for (kind, damage) in FAULTS {
        let database = sqlite_after(damage).await;
        expect(&database.store, kind, damage).await;
        database.remove().await;
    }
}

#[tokio::test]
async fn rows_without_their_identity_are_orphans() {
    let database = sqlite_after("DELETE FROM identities").await;
    let faults = database.store.check_integrity().await.expect("a look");
    assert_eq!(faults.iter().filter(|fault| fault.kind == FaultKind::Orphan).count(), 3, "{faults:?}");
    database.remove().await;
}

#[tokio::test]
async fn postgres_tells_each_fault_from_the_others() {
    for (kind, damage) in FAULTS {
        let Some(schema) = PostgresSchema::create().await else { return };
        let store = Store::connect(&schema.dsn, &ConnectOptions::default()).await.expect("a store");
        store.migrate().await.expect("migrations");
        fill(&store).await;
        schema.run(damage).await;
        expect(&store, kind, damage).await;
        store.close().await;
        schema.drop().await;
    }
}

#[tokio::test]
async fn an_index_that_postgres_gave_up_and_a_constraint_that_nobody_checked_are_named() {
    let Some(schema) = PostgresSchema::create().await else { return };
    let store = Store::connect(&schema.dsn, &ConnectOptions::default()).await.expect("a store");
    store.migrate().await.expect("migrations");
    schema
        .run(
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'sessions_identity'::regclass; \
             ALTER TABLE flows ADD CONSTRAINT one_day CHECK (expires_at > 0) NOT VALID",
        )
        .await;
    let faults = store.check_integrity().await.expect("a look");
    let names = |name: &str| faults.iter().any(|fault| fault.kind == FaultKind::Index && fault.what.contains(name));
    assert!(faults.len() == 2 && names("sessions_identity") && names("one_day"), "{faults:?}");
    store.close().await;
    schema.drop().await;
}
