//! A database that keeps people waiting: somebody else holds its lock.

use std::time::{Duration, Instant};

use bia_e2e::{Database, Site};
use rusqlite::Connection;
use sqlx::Executor as _;

use crate::world::{ANSWER_MAX, attempt, on_postgres, says_that_the_database_is_away, whoami};

/// A backup or another program that writes.
fn lock_sqlite(site: &Site) -> Connection {
    let holder = Connection::open(site.path("bia.sqlite")).expect("it opens");
    holder.execute_batch("PRAGMA busy_timeout = 10000; BEGIN IMMEDIATE").expect("the lock");
    holder
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_that_is_held_for_a_moment_delays_sign_ins_and_nobody_who_reads() {
    let site = Site::new().await;
    let bia = site.start().await;
    let alice = site.browser("alice");
    alice.signed_in(&bia, "microsoft").await;
    let holder = lock_sqlite(&site);
    let release = async {
        // Readers don't wait; who signs in does.
        assert_eq!(whoami(&alice, &bia).await.status, 200);
        tokio::time::sleep(Duration::from_secs(2)).await;
        holder.execute_batch("ROLLBACK").expect("released");
    };
    let (bob, carol) = (site.browser("bob"), site.browser("carol"));
    let ((), one, two) = tokio::join!(release, attempt(&bob, &bia, "microsoft"), attempt(&carol, &bia, "partner"));
    one.session();
    two.session();
}

pub(crate) async fn a_lock_that_is_held_for_long_ends_in_a_clear_refusal_and_passes() {
    let site = Site::new().await;
    let bia = site.start().await;
    let alice = site.browser("alice");
    alice.signed_in(&bia, "microsoft").await;
    // At the callback, where most is at stake.
    let bob = site.browser("bob");
    let back = bob.to_callback(&bia, "microsoft").await;
    let holder = lock_sqlite(&site);
    let began = Instant::now();
    let (refused, carol) = (bob.get(&back), site.browser("carol"));
    let (refused, met) = tokio::join!(refused, attempt(&carol, &bia, "microsoft"));
    assert!(began.elapsed() < ANSWER_MAX, "{:?}", began.elapsed());
    assert_eq!(refused.status, 503, "{refused:?}");
    says_that_the_database_is_away(&refused);
    says_that_the_database_is_away(&met.refused(503));
    assert_eq!(whoami(&alice, &bia).await.status, 200);
    assert!(bia.log().contains("another program holds the SQLite file locked"), "{}", bia.log());
    holder.execute_batch("ROLLBACK").expect("released");
    bob.signed_in(&bia, "microsoft").await;
    carol.signed_in(&bia, "microsoft").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_that_is_locked_for_a_moment_in_postgres_delays_and_fails_nobody() {
    let Some(database) = Database::create().await else { return };
    let site = Site::with(on_postgres(&database.dsn(None))).await;
    let bia = site.start().await;
    let alice = site.browser("alice");
    alice.signed_in(&bia, "microsoft").await;
    let mut holder = database.connect().await;
    holder.execute("BEGIN").await.expect("a transaction");
    holder.execute("LOCK TABLE sessions IN ACCESS EXCLUSIVE MODE").await.expect("the lock");
    let release = async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        holder.execute("ROLLBACK").await.expect("released");
    };
    let bob = site.browser("bob");
    let ((), met, session) = tokio::join!(release, attempt(&bob, &bia, "microsoft"), whoami(&alice, &bia));
    met.session();
    assert_eq!(session.status, 200, "{session:?}");
    drop(bia);
    database.drop().await;
}
