//! What concerns PostgreSQL alone: several instances, also of two versions, and connections that die.

use bia_model::FlowKind;
use bia_store::{CleanupOptions, ConnectOptions, Store};
use bia_testkit::database::PostgresSchema;
use bia_testkit::sample::{NOW, earlier, flow, insert_person, insert_session, later, session};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instances_that_start_at_once_migrate_once() {
    let Some(schema) = PostgresSchema::create().await else {
        return;
    };
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..6 {
        let dsn = schema.dsn.clone();
        tasks.spawn(async move {
            let store = Store::connect(&dsn, &ConnectOptions::default()).await.unwrap();
            let applied = store.migrate().await.unwrap().len();
            assert!(store.is_ready().await.unwrap());
            store.close().await;
            applied
        });
    }
    let applied = tasks.join_all().await;
    assert_eq!(applied.iter().filter(|&&count| count > 0).count(), 1, "{applied:?}");
    schema.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_and_units_survive_cut_connections_without_an_error() {
    let Some(schema) = PostgresSchema::create().await else {
        return;
    };
    let store = Store::connect(&schema.named_dsn(), &ConnectOptions::default()).await.unwrap();
    store.migrate().await.unwrap();
    let alice = insert_person(&store, "alice").await;
    let hash = insert_session(&store, &session(&alice)).await;
    // Several connections, so that more than one is dead afterwards.
    let (one, two) = (store.begin().await.unwrap(), store.begin().await.unwrap());
    one.rollback().await;
    two.rollback().await;
    schema.cut_connections().await;
    assert!(store.find_session_by_token_hash(&hash).await.unwrap().is_some());
    schema.cut_connections().await;
    insert_person(&store, "bob").await;
    store.close().await;
    schema.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_write_after_a_restart_while_nobody_was_there_works() {
    let Some(schema) = PostgresSchema::create().await else {
        return;
    };
    let store = Store::connect(&schema.named_dsn(), &ConnectOptions::default()).await.unwrap();
    store.migrate().await.unwrap();
    let alice = insert_person(&store, "alice").await;
    insert_session(&store, &session(&alice)).await;
    schema.cut_connections().await;
    // Connections that were used a moment ago aren't looked at.
    tokio::time::sleep(std::time::Duration::from_millis(1200)).await;
    insert_session(&store, &session(&alice)).await;
    store.close().await;
    schema.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_unit_whose_connection_is_cut_fails_and_leaves_nothing() {
    let Some(schema) = PostgresSchema::create().await else {
        return;
    };
    let store = Store::connect(&schema.named_dsn(), &ConnectOptions::default()).await.unwrap();
    store.migrate().await.unwrap();
    let mut unit = store.begin().await.unwrap();
    unit.insert_identity(&bia_testkit::sample::person("alice")).await.unwrap();
    schema.cut_connections().await;
    unit.commit().await.unwrap_err();
    assert_eq!(store.statistics().await.unwrap().identities, 0);
    insert_person(&store, "alice").await;
    store.close().await;
    schema.drop().await;
}

#[tokio::test]
async fn a_server_that_is_away_gives_a_clear_error_without_the_password() {
    let port = bia_testkit::ports::free_port();
    let dsn = format!("postgres://bia:hunter2@127.0.0.1:{port}/bia?sslmode=disable&connect_timeout=5");
    let error = Store::connect(&dsn, &ConnectOptions::default()).await.unwrap_err();
    let text = format!("{error} {error:?}");
    assert!(text.contains("unavailable") && !text.contains("hunter2"), "{text}");
}

#[tokio::test]
async fn a_cleanup_that_meets_another_one_goes_on() {
    let Some(schema) = PostgresSchema::create().await else {
        return;
    };
    let store = Store::connect(&schema.dsn, &ConnectOptions::default()).await.unwrap();
    store.migrate().await.unwrap();
    let mut expired = flow(FlowKind::Login);
    expired.expires_at = earlier(1);
    store.insert_flow(&expired).await.unwrap();
    // What PostgreSQL says to one of two that wait for each other, three times: a sequence counts on when a unit is
    // undone.
    schema
        .run(
            "CREATE SEQUENCE met; CREATE FUNCTION meet() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN IF nextval('met') <= 3 THEN RAISE EXCEPTION 'met' USING ERRCODE = 'deadlock_detected'; END IF; \
             RETURN OLD; END $$; \
             CREATE TRIGGER meet BEFORE DELETE ON flows FOR EACH ROW EXECUTE FUNCTION meet()",
        )
        .await;
    assert_eq!(store.cleanup(&CleanupOptions::new(NOW)).await.unwrap().flows, 1);
    store.close().await;
    schema.drop().await;
}

/// What a newer instance does to the tables of those that run: it adds.
const MIGRATED: &str = "BEGIN; ALTER TABLE sessions ADD COLUMN later_on TEXT; ALTER TABLE identities ADD COLUMN later_on TEXT; \
     ALTER TABLE flows ADD COLUMN later_on TEXT; CREATE TABLE later (id TEXT NOT NULL PRIMARY KEY); \
     CREATE INDEX later_sessions ON sessions (later_on); \
     UPDATE bia_meta SET value = '99' WHERE key = 'version'; COMMIT";

/// Everything that a busy instance does with the tables that are about to change.
async fn work_once(store: &Store, name: &str) {
    let person = insert_person(store, name).await;
    let session = session(&person);
    let hash = insert_session(store, &session).await;
    assert!(store.find_session_by_token_hash(&hash).await.unwrap().is_some());
    assert!(store.find_raw_session_by_token_hash(&hash).await.unwrap().is_some());
    assert!(store.find_identity(person.id).await.unwrap().is_some());
    assert!(store.extend_session(session.id, later(200_000)).await.unwrap());
    let login = flow(FlowKind::Login);
    store.insert_flow(&login).await.unwrap();
    assert!(store.find_flow(FlowKind::Login, login.id).await.unwrap().is_some());
    store.update_flow(&login).await.unwrap();
    let mut unit = store.begin().await.unwrap();
    let mut found = unit.find_identity_for_update(person.id).await.unwrap().unwrap();
    let previous = found.updated_at;
    found.updated_at = previous + std::time::Duration::from_secs(1);
    unit.update_identity(&found, previous).await.unwrap();
    unit.commit().await.unwrap();
    assert!(store.deactivate_session(session.id).await.unwrap());
    assert!(store.is_ready().await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statements_of_an_instance_that_runs_go_on_while_a_newer_one_migrates() {
    let Some(schema) = PostgresSchema::create().await else {
        return;
    };
    let store = Store::connect(&schema.dsn, &ConnectOptions::default()).await.unwrap();
    store.migrate().await.unwrap();
    let rounds = Arc::new(AtomicUsize::new(0));
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..4 {
        let (store, rounds, stopped) = (store.clone(), Arc::clone(&rounds), stopped.clone());
        tasks.spawn(async move {
            for round in 0.. {
                work_once(&store, &format!("p{task}-{round}")).await;
                rounds.fetch_add(1, Ordering::SeqCst);
                if *stopped.borrow() {
                    break;
                }
            }
        });
    }
    // Each connection has prepared its statements by then, and later goes on with the same ones.
    worked(&rounds, 40, &mut tasks).await;
    schema.run(MIGRATED).await;
    let at_migration = rounds.load(Ordering::SeqCst);
    worked(&rounds, at_migration + 40, &mut tasks).await;
    stop.send_replace(true);
    while let Some(outcome) = tasks.join_next().await {
        outcome.expect("no statement fails");
    }
    store.close().await;
    schema.drop().await;
}

/// Waits for that many rounds; a task that ends before has failed.
async fn worked(rounds: &AtomicUsize, count: usize, tasks: &mut tokio::task::JoinSet<()>) {
    while rounds.load(Ordering::SeqCst) < count {
        if let Some(outcome) = tasks.try_join_next() {
            panic!("a statement failed: {outcome:?}");
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}
