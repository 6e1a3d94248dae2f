//! PostgreSQL that restarts, disappears, goes silent, fills up or turns read-only.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bia_e2e::{Bia, Browser, Database, Site, populate, until};
use sqlx::{Connection as _, Executor as _};
use tokio::task::JoinSet;

use crate::world::{
    ANSWER_MAX, Cable, Met, attempt, check_database, on_postgres, says_that_the_database_is_away, whoami,
};

const PEOPLE: usize = 400;
const AT_ONCE: usize = 6;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_are_cut_during_load_lose_no_session_that_a_browser_was_told_of() {
    let Some(database) = Database::create().await else { return };
    let mut cable = Cable::to(&database.address()).await;
    let site = Site::with(on_postgres(&database.dsn(Some(cable.port)))).await;
    populate(site.control(), PEOPLE);
    let bia = Arc::new(site.start().await);
    let (told, next) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let mut load = JoinSet::new();
    for _ in 0..AT_ONCE {
        let (bia, told, next, stand_in) = (bia.clone(), told.clone(), next.clone(), site.stand_in());
        load.spawn(async move {
            let mut people = Vec::new();
            while told.load(Ordering::Relaxed) < 80 {
                let index = next.fetch_add(1, Ordering::Relaxed) % PEOPLE;
                let browser = Browser::new();
                browser.set_cookie(&stand_in, "persona", &format!("p{index}"));
                match attempt(&browser, &bia, "microsoft").await {
                    Met::In(session) => {
                        told.fetch_add(1, Ordering::Relaxed);
                        people.push((browser, session));
                    }
                    // A unit of work that was cut; never a sign-in without its session, nor a page without a reason.
                    Met::Refused(answer) => assert!(matches!(answer.status, 303 | 503), "{answer:?}"),
                    Met::Nobody => panic!("the server is gone"),
                }
            }
            people
        });
    }
    // By turns as a restart of the server does it, and as a network does.
    for round in 0..4 {
        until("sign-ins between two faults", || async { told.load(Ordering::Relaxed) >= 16 * (round + 1) }).await;
        if round % 2 == 0 { database.end_connections().await } else { cable.cut().await }
    }
    let mut people = Vec::new();
    while let Some(of_one) = load.join_next().await {
        people.extend(of_one.expect("nobody was lost"));
    }
    for (browser, session) in &people {
        assert_eq!(browser.whoami(&bia).await.expect("the session")["id"], session["id"]);
    }
    check_database(&site);
    drop(bia);
    database.drop().await;
}

/// Reading and signing in end in the same clear words.
async fn is_away(site: &Site, bia: &Bia, alice: &Browser) {
    let began = Instant::now();
    let bob = site.browser("bob");
    let (session, met, ready) = tokio::join!(
        whoami(alice, bia),
        attempt(&bob, bia, "microsoft"),
        alice.get_json(format!("{}/health/ready", bia.admin))
    );
    assert!(began.elapsed() < ANSWER_MAX, "{:?}", began.elapsed());
    assert_eq!(session.status, 503, "{session:?}");
    says_that_the_database_is_away(&session);
    says_that_the_database_is_away(&met.refused(503));
    assert_eq!(ready.status, 503, "{ready:?}");
    assert!(ready.json()["errors"]["database"].as_str().is_some_and(|text| text.contains("unavailable")), "{ready:?}");
    assert_eq!(alice.get(format!("{}/health/alive", bia.public)).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_goes_away_is_called_so_and_used_again_when_it_is_back() {
    let Some(database) = Database::create().await else { return };
    let mut cable = Cable::to(&database.address()).await;
    let site = Site::with(on_postgres(&database.dsn(Some(cable.port)))).await;
    let bia = site.start().await;
    let alice = site.browser("alice");
    alice.signed_in(&bia, "microsoft").await;
    // A restart that nobody notices.
    database.end_connections().await;
    tokio::time::sleep(Duration::from_millis(1200)).await;
    site.browser("carol").signed_in(&bia, "partner").await;
    for _ in 0..2 {
        cable.pull_out().await;
        is_away(&site, &bia, &alice).await;
        cable.plug_in().await;
        assert_eq!(whoami(&alice, &bia).await.status, 200);
        site.browser("bob").signed_in(&bia, "microsoft").await;
    }
    drop(bia);
    database.drop().await;
}

pub(crate) async fn a_server_that_answers_nothing_is_given_up_in_bounded_time() {
    let Some(database) = Database::create().await else { return };
    let cable = Cable::to(&database.address()).await;
    let site = Site::with(on_postgres(&database.dsn(Some(cable.port)))).await;
    let bia = site.start().await;
    let alice = site.browser("alice");
    alice.signed_in(&bia, "microsoft").await;
    cable.silent(true);
    is_away(&site, &bia, &alice).await;
    cable.silent(false);
    assert_eq!(whoami(&alice, &bia).await.status, 200);
    site.browser("bob").signed_in(&bia, "microsoft").await;
    drop(bia);
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silence_of_seconds_delays_and_fails_nobody() {
    let Some(database) = Database::create().await else { return };
    let cable = Cable::to(&database.address()).await;
    let site = Site::with(on_postgres(&database.dsn(Some(cable.port)))).await;
    let bia = site.start().await;
    let alice = site.browser("alice");
    alice.signed_in(&bia, "microsoft").await;
    cable.silent(true);
    let release = async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        cable.silent(false);
    };
    let bob = site.browser("bob");
    let ((), met, session) = tokio::join!(release, attempt(&bob, &bia, "microsoft"), whoami(&alice, &bia));
    met.session();
    assert_eq!(session.status, 200, "{session:?}");
    drop(bia);
    database.drop().await;
}

/// Leaves the program with two idle connections.
async fn read_at_the_same_time(database: &Database, bia: &Bia, alice: &Browser) {
    let mut beside = database.connect().await;
    beside.execute("BEGIN READ WRITE; LOCK TABLE sessions IN ACCESS EXCLUSIVE MODE").await.expect("locked");
    let held = async {
        until("two that wait for the lock", || async {
            let mut looking = database.connect().await;
            let waiting = "SELECT COUNT(*) FROM pg_stat_activity \
                           WHERE datname = current_database() AND wait_event_type = 'Lock'";
            sqlx::query_scalar::<_, i64>(waiting).fetch_one(&mut looking).await.expect("a number") == 2
        })
        .await;
        beside.close().await.expect("closed");
    };
    let ((), one, two) = tokio::join!(held, whoami(alice, bia), whoami(alice, bia));
    assert_eq!((one.status, two.status), (200, 200));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_and_a_read_only_server_refuse_sign_ins_and_let_people_read() {
    let Some(database) = Database::create().await else { return };
    let site = Site::with(on_postgres(&database.dsn(None))).await;
    let bia = site.start().await;
    let alice = site.browser("alice");
    alice.signed_in(&bia, "microsoft").await;
    let only_reading_works = async |told: &str| {
        says_that_the_database_is_away(&attempt(&site.browser("bob"), &bia, "microsoft").await.refused(503));
        assert_eq!(whoami(&alice, &bia).await.status, 200);
        assert!(bia.log().contains(told), "{}", bia.log());
    };
    // PostgreSQL's own error, raised by a trigger, since nobody wants to fill its disk.
    database
        .run(
            "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN RAISE EXCEPTION 'no space left' USING ERRCODE = 'disk_full'; END $$; \
             CREATE TRIGGER full_disk BEFORE INSERT ON flows FOR EACH ROW EXECUTE FUNCTION full_disk()",
        )
        .await;
    only_reading_works("PostgreSQL's disk is full").await;
    database.run("DROP TRIGGER full_disk ON flows").await;
    site.browser("bob").signed_in(&bia, "microsoft").await;
    // As a replica, or after a failover that left the program with the old primary.
    database.read_only(true).await;
    database.end_connections().await;
    only_reading_works("the PostgreSQL server is read-only").await;
    read_at_the_same_time(&database, &bia, &alice).await;
    database.read_only(false).await;
    // Nobody cuts the connections that began while it was read-only. Those on which nothing was written for a second are
    // looked at, whatever was read there, and when one is no good, neither are the others.
    tokio::time::sleep(Duration::from_millis(1200)).await;
    assert_eq!(whoami(&alice, &bia).await.status, 200);
    site.browser("bob").signed_in(&bia, "microsoft").await;
    drop(bia);
    database.drop().await;
}
