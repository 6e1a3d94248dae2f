//! What concerns SQLite alone: the file, several processes, several stores.

use bia_store::{ConnectOptions, Store, StoreError};
use bia_testkit::database::TestDatabase;
use bia_testkit::sample::{insert_person, insert_session, person, session};

fn options() -> ConnectOptions {
    ConnectOptions::default()
}

#[cfg(unix)]
#[tokio::test]
async fn a_new_file_and_its_side_files_are_readable_by_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let database = TestDatabase::sqlite_file().await;
    insert_person(&database.store, "alice").await;
    let path = database.path().unwrap();
    let mut seen = 0;
    for entry in std::fs::read_dir(path.parent().unwrap()).unwrap() {
        let mode = entry.unwrap().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        seen += 1;
    }
    assert_eq!(seen, 3, "database, log and its index");
}

#[tokio::test]
async fn a_missing_folder_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let dsn = format!("sqlite://{}/no/such/db.sqlite", folder.path().display());
    let error = Store::connect(&dsn, &options()).await.unwrap_err();
    assert!(error.to_string().contains("/no/such/db.sqlite"), "{error}");
    let folder_itself = format!("sqlite://{}", folder.path().display());
    let error = Store::connect(&folder_itself, &options()).await.unwrap_err();
    assert!(matches!(error, StoreError::Dsn { .. }), "{error:?}");
}

#[tokio::test]
async fn a_missing_file_is_made_only_when_the_mode_allows_it() {
    let folder = tempfile::tempdir().unwrap();
    for mode in ["rw", "ro"] {
        let dsn = format!("sqlite://{}/db.sqlite?mode={mode}", folder.path().display());
        let error = Store::connect(&dsn, &options()).await.unwrap_err();
        assert!(matches!(error, StoreError::Dsn { .. }), "{error:?}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_read_only_store_reads_and_says_why_it_does_not_write() {
    let database = TestDatabase::sqlite_file().await;
    let alice = insert_person(&database.store, "alice").await;
    let path = database.path().unwrap();
    let dsn = format!("sqlite://{}?mode=ro", path.display());
    let store = Store::connect(&dsn, &options()).await.unwrap();
    assert!(store.find_identity(alice.id).await.unwrap().is_some());
    let error = store.delete_session(alice.id).await.unwrap_err();
    assert!(error.to_string().contains("read-only"), "{error}");
}

#[tokio::test]
async fn before_migration_the_store_is_not_ready_and_says_what_to_run() {
    let store = Store::connect("memory", &options()).await.unwrap();
    assert!(!store.is_ready().await.unwrap());
    let pending = store.migration_status().await.unwrap();
    assert!(pending.iter().all(|migration| migration.applied_at.is_none()));
    let error = store.find_identity(uuid::Uuid::new_v4()).await.unwrap_err();
    assert!(error.to_string().contains("bia migrate sql"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instances_that_start_at_once_migrate_once() {
    let folder = tempfile::tempdir().unwrap();
    let dsn = format!("sqlite://{}/db.sqlite", folder.path().display());
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let dsn = dsn.clone();
        tasks.spawn(async move {
            let store = Store::connect(&dsn, &options()).await.unwrap();
            let applied = store.migrate().await.unwrap().len();
            assert!(store.is_ready().await.unwrap());
            applied
        });
    }
    let applied = tasks.join_all().await;
    assert_eq!(applied.iter().filter(|&&count| count > 0).count(), 1, "{applied:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_process_on_the_file_waits_for_its_turn() {
    let database = TestDatabase::sqlite_file().await;
    let other = Store::connect(&database.dsn, &options()).await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..32 {
        let store = if task % 2 == 0 { database.store.clone() } else { other.clone() };
        tasks.spawn(async move {
            for round in 0..5 {
                let identity = insert_person(&store, &format!("p{task}-{round}")).await;
                insert_session(&store, &session(&identity)).await;
            }
        });
    }
    tasks.join_all().await;
    assert_eq!(other.statistics().await.unwrap().sessions, 160);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn units_of_two_processes_that_read_before_they_write_take_turns() {
    let database = TestDatabase::sqlite_file().await;
    let other = Store::connect(&database.dsn, &options()).await.unwrap();
    let alice = insert_person(&database.store, "alice").await;
    let mut tasks = tokio::task::JoinSet::new();
    for store in [database.store.clone(), other] {
        let id = alice.id;
        tasks.spawn(async move {
            for _ in 0..30 {
                let mut unit = store.begin().await.unwrap();
                let mut identity = unit.find_identity_for_update(id).await.unwrap().unwrap();
                let previous = identity.updated_at;
                identity.updated_at = previous + std::time::Duration::from_secs(1);
                unit.update_identity(&identity, previous).await.unwrap();
                unit.commit().await.unwrap();
            }
        });
    }
    tasks.join_all().await;
    let found = database.store.find_identity(alice.id).await.unwrap().unwrap();
    assert_eq!(found.updated_at, alice.updated_at + std::time::Duration::from_secs(60));
}

#[tokio::test]
async fn databases_in_memory_are_strangers_to_each_other() {
    let (one, two) = (TestDatabase::memory().await, TestDatabase::memory().await);
    insert_person(&one.store, "alice").await;
    insert_person(&two.store, "alice").await;
    assert_eq!(one.store.statistics().await.unwrap().identities, 1);
}

#[tokio::test]
async fn what_was_committed_is_there_after_closing_and_opening_again() {
    let database = TestDatabase::sqlite_file().await;
    let alice = insert_person(&database.store, "alice").await;
    database.store.close().await;
    let closed = database.store.find_identity(alice.id).await;
    assert!(matches!(closed, Err(StoreError::Unavailable { .. })), "{closed:?}");
    let again = Store::connect(&database.dsn, &options()).await.unwrap();
    assert_eq!(again.find_identity(alice.id).await.unwrap(), Some(alice));
}

#[tokio::test]
async fn waiting_for_the_writer_ends_with_a_clear_error() {
    let folder = tempfile::tempdir().unwrap();
    let dsn = format!("sqlite://{}/db.sqlite", folder.path().display());
    let options = ConnectOptions {
        // Opening a connection has to fit in, too, on a busy machine.
        acquire_timeout: std::time::Duration::from_secs(2),
        ..options()
    };
    let store = Store::connect(&dsn, &options).await.unwrap();
    store.migrate().await.unwrap();
    let holder = store.begin().await.unwrap();
    let error = store.begin().await.err().unwrap();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    holder.rollback().await;
    let mut unit = store.begin().await.unwrap();
    unit.insert_identity(&person("alice")).await.unwrap();
    unit.commit().await.unwrap();
}
