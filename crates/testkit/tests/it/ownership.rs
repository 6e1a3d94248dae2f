//! A database that belongs to somebody else is refused before a byte of it changes.

use bia_store::{ConnectOptions, ForeignOwner, Store, StoreError};
use bia_testkit::database::{PostgresSchema, TestDatabase, postgres_server};
use std::path::Path;

const KRATOS: &str = "CREATE TABLE networks (id TEXT PRIMARY KEY); CREATE TABLE identities (id TEXT); \
     CREATE TABLE identity_credentials (id TEXT); CREATE TABLE selfservice_errors (id TEXT)";
const OTHER: &str = "CREATE TABLE invoices (id TEXT); CREATE TABLE identities (id TEXT)";
const NEWER: &str = "UPDATE bia_meta SET value = '99' WHERE key = 'version'";

fn run_sqlite(path: &Path, sql: &str) {
    rusqlite::Connection::open(path).unwrap().execute_batch(sql).unwrap();
}

async fn refusal(dsn: &str) -> (ForeignOwner, String) {
    match Store::connect(dsn, &ConnectOptions::default()).await {
        Err(error @ StoreError::Foreign { .. }) => {
            let text = error.to_string();
            let StoreError::Foreign { found, .. } = error else { unreachable!() };
            (found, text)
        }
        other => panic!("expected a refusal, got {other:?}"),
    }
}

/// The refusal, after making sure that neither the file nor its folder changed.
async fn untouched_refusal(folder: &Path, dsn: &str) -> (ForeignOwner, String) {
    let look = || {
        let mut files: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| {
                let path = entry.unwrap().path();
                let content = std::fs::read(&path).unwrap();
                (path, content)
            })
            .collect();
        files.sort();
        files
    };
    let before = look();
    let refused = refusal(dsn).await;
    assert!(before == look(), "the folder changed");
    refused
}

#[tokio::test]
async fn a_file_of_kratos_is_refused_untouched_and_the_import_is_named() {
    for journal in ["DELETE", "WAL"] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db.sqlite");
        run_sqlite(&path, &format!("PRAGMA journal_mode = {journal}; {KRATOS}"));
        let dsn = format!("sqlite://{}?_fk=true&mode=rwc", path.display());
        let (found, text) = untouched_refusal(folder.path(), &dsn).await;
        assert_eq!(found, ForeignOwner::Kratos);
        assert!(text.contains("Kratos") && text.contains("`bia import kratos`"), "{text}");
    }
}

#[tokio::test]
async fn a_file_of_another_program_is_refused_untouched_and_its_tables_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db.sqlite");
    run_sqlite(&path, OTHER);
    let (found, text) = untouched_refusal(folder.path(), &format!("sqlite://{}", path.display())).await;
    assert!(matches!(found, ForeignOwner::Other { .. }));
    assert!(text.contains("identities, invoices"), "{text}");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_untouched() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    std::fs::write(&path, "milk, eggs, bread\n".repeat(100)).unwrap();
    let (found, _) = untouched_refusal(folder.path(), &format!("sqlite://{}", path.display())).await;
    assert_eq!(found, ForeignOwner::NotSqlite);
}

#[tokio::test]
async fn a_file_of_a_newer_version_is_refused() {
    let database = TestDatabase::sqlite_file().await;
    database.store.close().await;
    run_sqlite(&database.path().unwrap(), NEWER);
    let (found, text) = refusal(&database.dsn).await;
    assert!(matches!(found, ForeignOwner::NewerBia { version: 99, .. }));
    assert!(text.contains("newer"), "{text}");
}

#[tokio::test]
async fn an_instance_that_runs_keeps_working_after_a_newer_one_has_migrated() {
    let database = TestDatabase::sqlite_file().await;
    run_sqlite(&database.path().unwrap(), NEWER);
    assert!(database.store.is_ready().await.unwrap());
    bia_testkit::sample::insert_person(&database.store, "alice").await;
}

#[tokio::test]
async fn tables_that_move_in_after_the_first_look_stop_the_migration() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db.sqlite");
    let dsn = format!("sqlite://{}", path.display());
    let store = Store::connect(&dsn, &ConnectOptions::default()).await.unwrap();
    run_sqlite(&path, KRATOS);
    let outcome = store.migrate().await;
    assert!(matches!(outcome, Err(StoreError::Foreign { .. })), "{outcome:?}");
}

#[tokio::test]
async fn a_changed_migration_is_reported() {
    let database = TestDatabase::sqlite_file().await;
    run_sqlite(&database.path().unwrap(), "UPDATE bia_migrations SET checksum = 'x'");
    let outcome = database.store.migrate().await;
    assert!(matches!(outcome, Err(StoreError::ChangedMigration { .. })), "{outcome:?}");
}

#[tokio::test]
async fn schemas_of_others_in_postgres_are_refused() {
    for (sql, kratos) in [(KRATOS, true), (OTHER, false)] {
        let Some(schema) = PostgresSchema::create().await else {
            return;
        };
        schema.run(sql).await;
        let (found, _) = refusal(&schema.dsn).await;
        assert_eq!(found == ForeignOwner::Kratos, kratos);
        schema.drop().await;
    }
}

#[tokio::test]
async fn a_search_path_without_a_schema_is_named() {
    let Some(server) = postgres_server() else { return };
    let separator = if server.contains('?') { '&' } else { '?' };
    let dsn = format!("{server}{separator}search_path=no_such_schema");
    let outcome = Store::connect(&dsn, &ConnectOptions::default()).await;
    assert!(matches!(&outcome, Err(StoreError::Dsn { reason }) if reason.contains("search_path")), "{outcome:?}");
}
