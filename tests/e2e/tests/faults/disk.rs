//! A disk that is full, read-only or damaged under the SQLite file.

use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::time::Instant;

use bia_e2e::{Bia, Browser, Site, populate, until};
use bia_testkit::skipped;
use serde_json::json;

use crate::world::{
    ANSWER_MAX, attempt, can, check_database, examine_database, inside, says_that_the_database_is_away,
    start_from_shell, whoami,
};

/// What holds while nothing can be written: reading goes on, and whoever wants to sign in is told.
async fn only_reading_works(site: &Site, bia: &Bia, alice: &Browser) {
    let began = Instant::now();
    let bob = site.browser("bob");
    let refused = attempt(&bob, bia, "microsoft").await.refused(503);
    says_that_the_database_is_away(&refused);
    assert!(began.elapsed() < ANSWER_MAX, "{:?}", began.elapsed());
    assert_eq!(whoami(alice, bia).await.status, 200, "a session from before");
    assert_eq!(alice.get(format!("{}/health/alive", bia.public)).await.status, 200);
}

/// What was told before is there, and people sign in again, without a restart.
async fn everything_works(site: &Site, bia: &Bia, alice: &Browser) {
    assert_eq!(whoami(alice, bia).await.status, 200);
    site.browser("bob").signed_in(bia, "microsoft").await;
    site.browser("carol").signed_in(bia, "partner").await;
    assert!(!bia.log().contains("panicked"), "{}", bia.log());
}

#[tokio::test]
async fn a_file_that_may_not_grow_refuses_sign_ins_clearly_until_it_may() {
    let site = Site::with(json!({ "log": { "level": "warning" } })).await;
    // The kernel's answer is an error then, as on a failing disk, and not the end of the process.
    let bia = start_from_shell(&site, "trap '' XFSZ; exec \"$0\" serve -c \"$1\"").await;
    let alice = site.browser("alice");
    alice.signed_in(&bia, "microsoft").await;
    // The log of the database has to be longer than the log of the program, which is cut off, too.
    let log = site.path("bia.sqlite-wal");
    until("a long log", || async {
        Browser::new().begin(&bia, "login").await;
        std::fs::metadata(&log).is_ok_and(|log| log.len() > 160_000)
    })
    .await;
    let limit = |bytes: &str| {
        let (id, limit) = (bia.id().to_string(), format!("--fsize={bytes}:"));
        assert!(can("prlimit", &["--pid", &id, &limit]), "prlimit");
    };
    populate(site.control(), 1);
    let late = site.browser("p0");
    let back = late.to_callback(&bia, "microsoft").await;
    limit("100000");
    only_reading_works(&site, &bia, &alice).await;
    let refused = late.get(&back).await;
    assert_eq!(refused.status, 503, "{refused:?}");
    says_that_the_database_is_away(&refused);
    // No redirect to an error page that couldn't show it: the page itself, with the id by which the log can be searched.
    assert!(refused.header("content-type").starts_with("text/html"), "{refused:?}");
    assert!(refused.body.contains(refused.header("x-request-id")), "{refused:?}");
    assert!(late.whoami(&bia).await.is_none());
    only_reading_works(&site, &bia, &alice).await;
    assert!(bia.log().contains("the disk failed under the SQLite file"), "{}", bia.log());
    limit("unlimited");
    late.signed_in(&bia, "microsoft").await;
    everything_works(&site, &bia, &alice).await;
    check_database(&site);
}

/// Runs the program with a small file system of its own at `disk`; none where the machine doesn't allow it.
async fn start_on_small_disk(site: &Site) -> Option<Bia> {
    let mount = format!("mount -t tmpfs -o size=2m,mode=777 none {}", site.path("disk").display());
    std::fs::create_dir(site.path("disk")).expect("a folder");
    // Root needs no user of its own; others may have become one.
    let unshare = ["unshare -m", "unshare -m --map-root-user"]
        .into_iter()
        .find(|unshare| can("/bin/bash", &["-c", &format!("{unshare} {mount}")]));
    let Some(unshare) = unshare else {
        skipped("no file system can be mounted here");
        return None;
    };
    let script = format!("exec {unshare} /bin/bash -c '{mount} && exec \"$0\" serve -c \"$1\"' \"$0\" \"$1\"");
    Some(start_from_shell(site, &script).await)
}

/// Fills a file until nothing more fits.
fn fill(path: &Path) {
    let mut ballast = std::fs::File::create(path).expect("a file");
    while ballast.write_all(&[0; 4096]).is_ok() {}
    // The rest of the last block.
    while ballast.write_all(&[0]).is_ok() {}
}

#[tokio::test]
async fn a_full_disk_refuses_sign_ins_clearly_until_there_is_room() {
    let site = Site::with(json!({ "dsn": "sqlite://disk/bia.sqlite", "log": { "level": "warning" } })).await;
    let Some(bia) = start_on_small_disk(&site).await else { return };
    let alice = site.browser("alice");
    alice.signed_in(&bia, "microsoft").await;
    let ballast = inside(&bia, &site.path("disk/ballast"));
    for _ in 0..2 {
        fill(&ballast);
        // What is allocated already may still take a few rows.
        until("the disk is full", || async {
            let flow = Browser::new().get_json(format!("{}/self-service/login/browser", bia.public)).await;
            flow.status == 503
        })
        .await;
        only_reading_works(&site, &bia, &alice).await;
        std::fs::remove_file(&ballast).expect("removed");
        everything_works(&site, &bia, &alice).await;
    }
    assert!(bia.log().contains("the disk is full"), "{}", bia.log());
    // What this process left behind, looked at from outside of its file system.
    for name in ["bia.sqlite", "bia.sqlite-wal"] {
        let _ = std::fs::copy(inside(&bia, &site.path("disk").join(name)), site.path("disk").join(name));
    }
    check_database(&site);
}

#[tokio::test]
async fn a_database_that_is_opened_for_reading_alone_answers_whoami_and_refuses_sign_ins() {
    let mut site = Site::new().await;
    let bia = site.start().await;
    let alice = site.browser("alice");
    alice.signed_in(&bia, "microsoft").await;
    bia.stop();
    site.change(json!({ "dsn": "sqlite://bia.sqlite?mode=ro" }));
    let bia = site.start().await;
    only_reading_works(&site, &bia, &alice).await;
    assert!(bia.log().contains("the SQLite file is read-only"), "{}", bia.log());
    bia.stop();
    site.change(json!({ "dsn": "sqlite://bia.sqlite" }));
    let bia = site.start().await;
    everything_works(&site, &bia, &alice).await;
}

#[tokio::test]
async fn a_start_on_a_read_only_disk_ends_at_once_and_says_why() {
    let mut site = Site::new().await;
    site.start().await.stop();
    let folder = site.path("disk");
    std::fs::create_dir(&folder).expect("a folder");
    std::fs::rename(site.path("bia.sqlite"), folder.join("bia.sqlite")).expect("moved");
    site.change(json!({ "dsn": "sqlite://disk/bia.sqlite" }));
    let mount = format!("mount --bind {0} {0} && mount -o remount,bind,ro {0}", folder.display());
    let unshare = ["unshare -m", "unshare -m --map-root-user"]
        .into_iter()
        .find(|unshare| can("/bin/bash", &["-c", &format!("{unshare} /bin/bash -c '{mount}'")]));
    let Some(unshare) = unshare else { return skipped("no file system can be mounted here") };
    let script = format!("exec {unshare} /bin/bash -c '{mount} && exec \"$0\" serve -c \"$1\"' \"$0\" \"$1\"");
    let program = crate::world::program();
    let ended = Bia::spawn(&site, "/bin/bash", &["-c", &script, program.to_str().expect("a path")]).wait();
    assert_eq!(ended.code, Some(1), "{}", ended.log);
    assert!(ended.log.contains("SQLite file") && ended.log.contains("disk/bia.sqlite"), "{}", ended.log);
    site.start().await.stop();
}

/// Every page but the first, which says that it is a database.
const PAGES_FROM: u64 = 4096;

#[tokio::test]
async fn a_damaged_file_is_called_so_and_serves_again_once_it_is_repaired() {
    let site = Site::new().await;
    let bia = site.start().await;
    let alice = site.browser("alice");
    alice.signed_in(&bia, "microsoft").await;
    bia.stop();
    // Everything is in the one file now.
    let path = site.path("bia.sqlite");
    let mut file = std::fs::OpenOptions::new().read(true).write(true).open(&path).expect("the file");
    let mut sound = Vec::new();
    file.seek(SeekFrom::Start(PAGES_FROM)).expect("there");
    file.read_to_end(&mut sound).expect("read");
    let bia = site.start().await;
    let mut put = |bytes: &[u8]| {
        file.seek(SeekFrom::Start(PAGES_FROM)).expect("there");
        file.write_all(bytes).expect("written");
    };
    put(&vec![0xa5; sound.len()]);
    let answer = whoami(&alice, &bia).await;
    assert_eq!(answer.status, 503, "{answer:?}");
    says_that_the_database_is_away(&answer);
    says_that_the_database_is_away(&attempt(&site.browser("bob"), &bia, "microsoft").await.refused(503));
    assert!(bia.log().contains("the SQLite file is damaged; see `bia doctor --db`"), "{}", bia.log());
    let found = examine_database(&site);
    assert!(found.iter().any(|finding| finding["level"] == "problem"), "{found:#?}");
    put(&sound);
    everything_works(&site, &bia, &alice).await;
    check_database(&site);
    assert_eq!(bia.stop().code, Some(0));
}
