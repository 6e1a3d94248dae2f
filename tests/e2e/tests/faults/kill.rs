//! SIGKILL under load: whoever was told of a session or an identity finds it again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bia_e2e::{Bia, Browser, Database, Site, email, populate, signal};
use tokio::task::JoinSet;

use crate::world::{check_database, on_postgres};

const PEOPLE: usize = 800;
const AT_ONCE: usize = 8;
/// Sign-ins before each kill; the rest of them is under way.
const BEFORE_KILL: usize = 20;

/// What a browser was told, and by which answer.
struct Told {
    browser: Browser,
    email: String,
    /// From whoami, when that was still answered.
    session: Option<String>,
    identity: Option<String>,
}

/// Signs in, for the first time or again; `None` when the server died on the way, before it told anything.
async fn try_sign_in(bia: &Bia, stand_in: &str, index: usize) -> Option<Told> {
    let browser = Browser::new();
    browser.set_cookie(stand_in, "persona", &format!("p{index}"));
    let flow = browser.try_get_json(format!("{}/self-service/login/browser", bia.public)).await.ok()?.json();
    let action = flow["ui"]["action"].as_str().expect("an action");
    let at = browser.try_post_form(action, &[("provider", "microsoft")]).await.ok()?.location();
    let back = browser.authorize(&at).await;
    let done = browser.try_get(back).await.ok()?;
    assert_eq!(done.header("location"), "http://app.example/home", "{done:?}");
    let whoami = browser.try_get_json(format!("{}/sessions/whoami", bia.public)).await.ok();
    let whoami = whoami.map(|answer| answer.expect(200));
    let text = |pointer| Some(whoami.as_ref()?.pointer(pointer)?.as_str()?.to_owned());
    let (session, identity) = (text("/id"), text("/identity/id"));
    Some(Told { browser, email: email(index), session, identity })
}

/// Loads the server until it is killed in the middle; who was told what.
async fn load_and_kill(bia: Bia, site: &Site, next: &Arc<AtomicUsize>) -> Vec<Told> {
    let bia = Arc::new(bia);
    let done = Arc::new(AtomicUsize::new(0));
    let mut tasks = JoinSet::new();
    for worker in 0..AT_ONCE {
        let (bia, next, done) = (Arc::clone(&bia), Arc::clone(next), Arc::clone(&done));
        let stand_in = site.stand_in();
        tasks.spawn(async move {
            let mut told = Vec::new();
            let mut index = next.fetch_add(1, Ordering::Relaxed);
            while let Some(one) = try_sign_in(&bia, &stand_in, index % PEOPLE).await {
                told.push(one);
                done.fetch_add(1, Ordering::Relaxed);
                // Every third sign-in is somebody who was here before, in another browser.
                if told.len() % 3 != worker % 3 {
                    index = next.fetch_add(1, Ordering::Relaxed);
                }
            }
            told
        });
    }
    while done.load(Ordering::Relaxed) < BEFORE_KILL {
        if let Some(early) = tasks.try_join_next() {
            early.expect("no worker fails");
            panic!("the server ended before it was killed: {}", bia.log());
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(signal("KILL", bia.id()));
    let mut told = Vec::new();
    while let Some(of_worker) = tasks.join_next().await {
        told.extend(of_worker.expect("no worker fails"));
    }
    // Nobody goes on before the kernel says that it is gone.
    let mut bia = Arc::into_inner(bia).expect("nobody else holds it");
    assert_eq!(bia.wait().signal, Some(9));
    told
}

/// Looks at a copy as the kill left it, so that looking repairs nothing.
async fn check_file(site: &Site) {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["bia.sqlite", "bia.sqlite-wal", "bia.sqlite-shm"] {
        // The last two exist only while there is something to carry over.
        let _ = std::fs::copy(site.path(name), folder.path().join(name));
    }
    let connection = rusqlite::Connection::open(folder.path().join("bia.sqlite")).expect("it opens");
    let verdict: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("a verdict");
    assert_eq!(verdict, "ok");
    let mut dangling = connection.prepare("PRAGMA foreign_key_check").expect("a statement");
    assert!(!dangling.exists([]).expect("a list"));
}

async fn kill_time_and_again(site: &Site, kills: usize) {
    populate(site.control(), PEOPLE);
    let is_sqlite = site.config["dsn"].as_str().is_some_and(|dsn| dsn.starts_with("sqlite"));
    let next = Arc::new(AtomicUsize::new(0));
    let mut told = Vec::new();
    let mut bia = site.start().await;
    for _ in 0..kills {
        told.extend(load_and_kill(bia, site, &next).await);
        if is_sqlite {
            check_file(site).await;
        }
        bia = site.start().await;
        assert!(!bia.log().contains(r#""level":"ERROR""#), "the start had something to repair: {}", bia.log());
    }
    assert!(told.len() >= BEFORE_KILL * kills, "{} sign-ins are no load", told.len());
    for one in &told {
        let session = one.browser.whoami(&bia).await.unwrap_or_else(|| panic!("{} lost the session", one.email));
        assert_eq!(session["identity"]["traits"]["email"], one.email.as_str());
        if let Some(id) = &one.session {
            assert_eq!(session["id"], id.as_str());
        }
        if let Some(id) = &one.identity {
            assert_eq!(session["identity"]["id"], id.as_str());
        }
    }
    // Nobody is there twice, and whoever was cut off can come back.
    let again = site.browser("p0").signed_in(&bia, "microsoft").await;
    let first = told.iter().find(|one| one.email == email(0)).and_then(|one| one.identity.as_deref());
    assert!(first.is_none_or(|id| again["identity"]["id"] == id));
    check_database(site);
    assert_eq!(bia.stop().code, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killing_it_under_load_loses_no_session_and_no_identity_that_a_browser_was_told_of() {
    let site = Site::new().await;
    kill_time_and_again(&site, 3).await;
    check_file(&site).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killing_it_under_load_loses_nothing_on_postgres_either() {
    let Some(database) = Database::create().await else { return };
    let site = Site::with(on_postgres(&database.dsn(None))).await;
    kill_time_and_again(&site, 2).await;
    database.drop().await;
}
