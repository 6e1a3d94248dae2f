//! Databases as the doctor finds them.

use super::{Case, find, has, lay_over, report_of, sound};
use bia_doctor::{Database, Level};
use bia_model::{Identity, OidcLink};
use bia_store::{ConnectOptions, Store};
use serde_json::{Value, json};

async fn memory() -> Store {
    Store::connect("memory", &ConnectOptions::default()).await.expect("a database")
}

async fn report(config: &Value, store: Store) -> bia_doctor::Report {
    report_of(config, Case { database: Database::Open(store), ..Case::default() }).await
}

#[tokio::test]
async fn a_new_database_is_a_note_and_a_migrated_one_is_whole() {
    let store = memory().await;
    assert_eq!(find(&report(&sound(), store.clone()).await, "migrations").level, Level::Note);
    store.migrate().await.expect("migrations");
    let report = report(&sound(), store).await;
    assert!(has(&report, "migrated") && find(&report, "integrity").level == Level::Good, "{}", report.to_text());
}

#[tokio::test]
async fn links_of_a_renamed_provider_are_a_problem_until_it_is_an_alias() {
    let store = memory().await;
    store.migrate().await.expect("migrations");
    link(&store, "azure").await;
    let report_before = report(&sound(), store.clone()).await;
    let finding = find(&report_before, "renamed_provider");
    assert!(
        finding.level == Level::Problem && finding.what.contains("1 link") && finding.fix.contains("aliases: [azure]")
    );
    let mut config = sound();
    lay_over(&mut config["selfservice"]["methods"]["oidc"]["config"]["providers"][0], json!({ "aliases": ["azure"] }));
    assert!(!has(&report(&config, store).await, "renamed_provider"));
}

#[tokio::test]
async fn a_database_of_somebody_else_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("other.txt");
    std::fs::write(&file, "this is no database, and nobody should touch it\n".repeat(100)).expect("write");
    let error =
        Store::connect(&format!("sqlite://{}", file.display()), &ConnectOptions::default()).await.expect_err("foreign");
    let report = report_of(&sound(), Case { database: Database::Failed(error), ..Case::default() }).await;
    assert_eq!(find(&report, "database").level, Level::Problem);
    let missing = report_of(
        &sound(),
        Case { database: Database::Missing(folder.path().join("no/such/folder/x")), ..Case::default() },
    )
    .await;
    assert_eq!(find(&missing, "database_folder").level, Level::Problem);
}

#[tokio::test]
async fn a_file_that_others_can_read_is_a_warning_unless_its_folder_keeps_them_out() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().expect("a folder");
    let mode = |path: &std::path::Path, mode: u32| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("a mode");
    };
    let file = folder.path().join("bia.sqlite");
    let dsn = format!("sqlite://{}", file.display());
    let store = Store::connect(&dsn, &ConnectOptions::default()).await.expect("a database");
    store.migrate().await.expect("migrations");
    let mut config = sound();
    config["dsn"] = json!(dsn);
    mode(folder.path(), 0o755);
    assert!(!has(&report(&config, store.clone()).await, "database_readable"), "as Bia makes it");
    mode(&file, 0o644);
    let found = report(&config, store.clone()).await;
    assert!(find(&found, "database_readable").fix.contains("chmod 600"));
    mode(folder.path(), 0o700);
    assert!(!has(&report(&config, store.clone()).await, "database_readable"));
    assert!(!has(&found, "memory") && has(&report(&sound(), memory().await).await, "memory"));
}

#[tokio::test]
async fn rows_that_nobody_removes_are_noticed() {
    let store = memory().await;
    store.migrate().await.expect("migrations");
    let old = super::now() - std::time::Duration::from_secs(3 * 24 * 60 * 60);
    let mut unit = store.begin().await.expect("a unit");
    for index in 0..=1000 {
        if index == 1000 {
            unit.commit().await.expect("commit");
            assert!(!has(&report(&sound(), store.clone()).await, "expired_rows"), "a thousand is what a pause leaves");
            unit = store.begin().await.expect("a unit");
        }
        let container = bia_store::Continuity {
            id: index.to_string(),
            binding: "browser".to_owned(),
            name: "n".to_owned(),
            identity_id: None,
            payload: "{}".to_owned(),
            expires_at: old,
        };
        assert!(unit.put_continuity(&container).await.expect("kept"));
    }
    unit.commit().await.expect("commit");
    assert_eq!(find(&report(&sound(), store.clone()).await, "expired_rows").level, Level::Warning);
    let mut config = sound();
    config["database"] = json!({ "cleanup": { "older_than": "168h" } });
    assert!(!has(&report(&config, store).await, "expired_rows"), "they are kept on purpose");
}

#[tokio::test]
async fn each_fault_of_the_database_is_told_with_what_to_do() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("bia.sqlite");
    let dsn = format!("sqlite://{}", path.display());
    let store = Store::connect(&dsn, &ConnectOptions::default()).await.expect("a database");
    store.migrate().await.expect("migrations");
    link(&store, "microsoft").await;
    assert_eq!(find(&report(&sound(), store.clone()).await, "integrity").level, Level::Good);
    let past = rusqlite::Connection::open(&path).expect("a connection");
    past.execute_batch("DROP INDEX flows_expires; DELETE FROM credential_identifiers;").expect("damage");
    let found = report(&sound(), store).await;
    let faults: Vec<_> = found.findings.iter().filter(|finding| finding.code == "integrity").collect();
    assert_eq!(faults.len(), 2, "{}", found.to_text());
    assert!(faults.iter().all(|fault| fault.level == Level::Problem && !fault.fix.is_empty()));
}

/// An identity with one link to `<provider>:somebody`.
async fn link(store: &Store, provider: &str) {
    let now = super::now();
    let mut identity = Identity::new(uuid::Uuid::new_v4(), "default", now);
    let link = OidcLink { subject: "somebody".to_owned(), provider: provider.to_owned(), ..OidcLink::default() };
    identity.set_oidc_links(vec![link], now);
    let mut unit = store.begin().await.expect("a unit");
    unit.insert_identity(&identity).await.expect("insert");
    unit.commit().await.expect("commit");
}
