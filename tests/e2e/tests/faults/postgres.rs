//! PostgreSQL that restarts, disappears, is slow or silent, fills up or turns read-only.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bia_e2e::{Bia, Browser, Database, Site, populate, until};
use serde_json::Value;
use sqlx::{Connection as _, Executor as _};
use tokio::task::{JoinSet, block_in_place};

use crate::cluster::Cluster;
use crate::world::{
    ANSWER_MAX, Cable, Met, attempt, check_database, on_postgres, says_that_the_database_is_away, whoami,
};

const PEOPLE: usize = 400;
const AT_ONCE: usize = 6;

/// A browser that was told of a session, and what whoami said of it, if that was still answered.
struct Told {
    browser: Browser,
    session: Option<Value>,
}

/// People who sign in, one after another in a few browsers at once, until enough of them were told of a session.
struct Load {
    told: Arc<AtomicUsize>,
    tasks: JoinSet<Vec<Told>>,
}

impl Load {
    fn until(enough: usize, bia: &Arc<Bia>, site: &Site) -> Self {
        let (told, next) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let mut tasks = JoinSet::new();
        for _ in 0..AT_ONCE {
            let (bia, told, next, stand_in) = (bia.clone(), told.clone(), next.clone(), site.stand_in());
            tasks.spawn(async move {
                let mut people = Vec::new();
                while told.load(Ordering::Relaxed) < enough {
                    let index = next.fetch_add(1, Ordering::Relaxed) % PEOPLE;
                    let browser = Browser::new();
                    browser.set_cookie(&stand_in, "persona", &format!("p{index}"));
                    let session = match attempt(&browser, &bia, "microsoft").await {
                        Met::In(session) => Some(session),
                        // A unit of work that was cut; never a sign-in without its session, nor a page without a reason.
                        Met::Refused(answer) => {
                            assert!(matches!(answer.status, 303 | 503), "{answer:?}");
                            // Nobody presses a button as fast as a loop turns.
                            tokio::time::sleep(Duration::from_millis(20)).await;
                            None
                        }
                        Met::Nobody => panic!("the server is gone"),
                    };
                    // Whoami may be what was refused: the session was promised by then.
                    if browser.cookie(&bia.public, "ory_kratos_session").is_some() {
                        told.fetch_add(usize::from(session.is_some()), Ordering::Relaxed);
                        people.push(Told { browser, session });
                    }
                }
                people
            });
        }
        Self { told, tasks }
    }

    fn told(&self) -> usize {
        self.told.load(Ordering::Relaxed)
    }

    /// Waits for its end; everybody's session has to be there.
    async fn end(mut self, bia: &Bia) {
        while let Some(people) = self.tasks.join_next().await {
            for Told { browser, session } in people.expect("nobody was lost") {
                let now = browser.whoami(bia).await.expect("the session that was promised");
                assert!(session.is_none_or(|before| before["id"] == now["id"]), "{now}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_are_cut_during_load_lose_no_session_that_a_browser_was_told_of() {
    let Some(database) = Database::create().await else { return };
    let mut cable = Cable::to(&database.address()).await;
    let site = Site::with(on_postgres(&database.dsn(Some(cable.port)))).await;
    populate(site.control(), PEOPLE);
    let bia = Arc::new(site.start().await);
    let load = Load::until(80, &bia, &site);
    // By turns as a restart of the server does it, and as a network does.
    for round in 0..4 {
        until("sign-ins between two faults", || async { load.told() >= 16 * (round + 1) }).await;
        if round % 2 == 0 { database.end_connections().await } else { cable.cut().await }
    }
    load.end(&bia).await;
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
async fn a_server_that_is_stopped_and_started_during_load_loses_no_session_that_a_browser_was_told_of() {
    let Some(cluster) = block_in_place(Cluster::start_new) else { return };
    let site = Site::with(on_postgres(&cluster.dsn())).await;
    populate(site.control(), PEOPLE);
    let bia = Arc::new(site.start().await);
    let alice = site.browser("alice");
    alice.signed_in(&bia, "microsoft").await;
    let load = Load::until(60, &bia, &site);
    // A crash, which the server has to recover from, and what an upgrade of its package does.
    for (round, mode) in ["immediate", "fast"].into_iter().enumerate() {
        until("sign-ins before a stop", || async { load.told() >= 16 * (round + 1) }).await;
        block_in_place(|| cluster.stop(mode));
        is_away(&site, &bia, &alice).await;
        block_in_place(|| cluster.start());
        assert_eq!(whoami(&alice, &bia).await.status, 200);
        assert_eq!(alice.get(format!("{}/health/ready", bia.admin)).await.status, 200);
        site.browser("bob").signed_in(&bia, "microsoft").await;
    }
    load.end(&bia).await;
    check_database(&site);
    assert!(!bia.log().contains("panicked"), "{}", bia.log());
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_whose_every_answer_is_late_delays_a_crowd_and_fails_nobody() {
    const CROWD: usize = 12;
    let late = Duration::from_millis(100);
    let Some(database) = Database::create().await else { return };
    let cable = Cable::to(&database.address()).await;
    let site = Site::with(on_postgres(&database.dsn(Some(cable.port)))).await;
    populate(site.control(), CROWD);
    let bia = Arc::new(site.start().await);
    cable.late(late);
    let began = Instant::now();
    let mut crowd = JoinSet::new();
    for index in 0..CROWD {
        let (browser, bia) = (site.browser(&format!("p{index}")), Arc::clone(&bia));
        crowd.spawn(async move {
            let met = tokio::time::timeout(ANSWER_MAX, attempt(&browser, &bia, "microsoft")).await;
            met.expect("a sign-in in bounded time").session();
        });
    }
    let watcher = Browser::new();
    while !crowd.is_empty() {
        let ready = watcher.get_json(format!("{}/health/ready", bia.admin)).await;
        assert_eq!(ready.status, 200, "{ready:?}");
        tokio::time::sleep(late).await;
        while let Some(ended) = crowd.try_join_next() {
            ended.expect("nobody fails");
        }
    }
    // A flow, a session and what lies between are some statements one after another.
    assert!(began.elapsed() > 5 * late, "nothing was late");
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
