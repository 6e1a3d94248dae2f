//! SIGKILL under load: whoever was told of a session or an identity finds it again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bia_e2e::{Bia, Browser, Site};
use bia_fake_entra::Control;
use sqlx::{Connection as _, SqliteConnection};
use tokio::task::JoinSet;
use uuid::Uuid;

const PEOPLE: usize = 800;
const AT_ONCE: usize = 8;
const KILLS: usize = 3;
/// Sign-ins before each kill; the rest of them is under way.
const BEFORE_KILL: usize = 40;

/// What a browser was told, and by which answer.
struct Told {
    browser: Browser,
    email: String,
    /// From whoami, when that was still answered.
    session: Option<String>,
    identity: Option<String>,
}

fn populate(control: &Control) {
    let alice = control.person("alice").expect("alice");
    for index in 0..PEOPLE {
        let mut person = alice.clone();
        person.key = format!("p{index}");
        person.oid = Uuid::new_v4().to_string();
        person.email = Some(email(index));
        person.upn = email(index);
        control.put_person(person);
    }
}

fn email(index: usize) -> String {
    format!("p{index}@contoso.example")
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
    let killed = std::process::Command::new("kill").args(["-KILL", &bia.id().to_string()]).status();
    assert!(killed.expect("kill").success());
    let mut told = Vec::new();
    while let Some(of_worker) = tasks.join_next().await {
        told.extend(of_worker.expect("no worker fails"));
    }
    told
}

/// Looks at a copy as the kill left it, so that looking repairs nothing.
async fn check_integrity(site: &Site) {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["bia.sqlite", "bia.sqlite-wal", "bia.sqlite-shm"] {
        // The last two exist only while there is something to carry over.
        let _ = std::fs::copy(site.path(name), folder.path().join(name));
    }
    let dsn = format!("sqlite://{}", folder.path().join("bia.sqlite").display());
    let mut connection = SqliteConnection::connect(&dsn).await.expect("it opens");
    let verdict: String =
        sqlx::query_scalar("PRAGMA integrity_check").fetch_one(&mut connection).await.expect("a verdict");
    assert_eq!(verdict, "ok");
    let dangling = sqlx::query("PRAGMA foreign_key_check").fetch_all(&mut connection).await.expect("a list");
    assert!(dangling.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killing_it_under_load_loses_no_session_and_no_identity_that_a_browser_was_told_of() {
    let site = Site::new().await;
    populate(site.control());
    let next = Arc::new(AtomicUsize::new(0));
    let mut told = Vec::new();
    let mut bia = site.start().await;
    for _ in 0..KILLS {
        told.extend(load_and_kill(bia, &site, &next).await);
        check_integrity(&site).await;
        bia = site.start().await;
        assert!(!bia.log().contains(r#""level":"ERROR""#), "the start had something to repair: {}", bia.log());
    }
    assert!(told.len() >= BEFORE_KILL * KILLS, "{} sign-ins are no load", told.len());
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
    assert_eq!(bia.stop().code, Some(0));
    check_integrity(&site).await;
}
