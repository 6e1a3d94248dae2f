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
