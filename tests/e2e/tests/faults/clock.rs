//! A clock that jumps while people sign in: by a bad battery, a virtual machine that slept, or an eager NTP.

use std::path::PathBuf;

use bia_e2e::{Answer, Bia, Browser, Site};
use bia_testkit::skipped;

use crate::world::{attempt, check_database, whoami};

/// Debian's `libfaketime`, if it is there.
fn library() -> Option<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten().map(|entry| entry.path());
    let all = folders.chain(["/usr/lib".into(), "/usr/local/lib".into()]);
    all.map(|folder| folder.join("faketime/libfaketimeMT.so.1")).find(|library| library.exists())
}

/// A program whose clock goes by the file `clock`, which is read at every look.
async fn start_with_false_clock(site: &mut Site) -> Option<Bia> {
    let Some(library) = library() else {
        skipped("no libfaketime; on Debian: apt-get install libfaketime");
        return None;
    };
    let set = |name: &str, value: String| (name.to_owned(), value);
    site.env.extend([
        set("LD_PRELOAD", library.display().to_string()),
        set("FAKETIME_TIMESTAMP_FILE", site.path("clock").display().to_string()),
        set("FAKETIME_NO_CACHE", "1".to_owned()),
        // Durations are measured by another clock, which doesn't jump.
        set("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
    ]);
    turn(site, "+0s");
    Some(site.start().await)
}

/// In one step, so that nobody reads half of it.
fn turn(site: &Site, by: &str) {
    site.write("clock.new", by);
    std::fs::rename(site.path("clock.new"), site.path("clock")).expect("renamed");
}

/// What the form says above its buttons.
async fn told(browser: &Browser, bia: &Bia, answer: &Answer) -> String {
    browser.shown(bia, answer).await["ui"]["messages"][0]["text"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_jumps_refuses_clearly_and_takes_nothing_from_those_who_are_signed_in() {
    let mut site = Site::new().await;
    let Some(bia) = start_with_false_clock(&mut site).await else { return };
    let alice = site.browser("alice");
    alice.signed_in(&bia, "microsoft").await;
    for (by, says) in [("+2h", "it has expired"), ("-2h", "it is not valid yet")] {
        turn(&site, by);
        assert_eq!(whoami(&alice, &bia).await.status, 200, "{by}");
        let bob = site.browser("bob");
        let refused = attempt(&bob, &bia, "microsoft").await.refused(303);
        let told = told(&bob, &bia, &refused).await;
        assert!(told.contains(says), "{by}: {told}");
        assert!(bob.whoami(&bia).await.is_none(), "{by}");
        // The operator is asked the right question.
        assert_eq!(bia.log().matches("is this machine's clock right?").count(), usize::from(by == "-2h") + 1);
        turn(&site, "+0s");
        bob.signed_in(&bia, "microsoft").await;
    }
    check_database(&site);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_jumps_past_the_end_of_a_session_and_back_ends_it_for_that_time_alone() {
    let mut site = Site::new().await;
    let Some(bia) = start_with_false_clock(&mut site).await else { return };
    let alice = site.browser("alice");
    let session = alice.signed_in(&bia, "microsoft").await;
    // Somebody who is at the provider when it happens.
    let bob = site.browser("bob");
    let back = bob.to_callback(&bia, "microsoft").await;
    turn(&site, "+30h");
    assert_eq!(whoami(&alice, &bia).await.status, 401);
    let late = bob.get(&back).await;
    assert_eq!(late.status, 303, "{late:?}");
    assert!(bob.whoami(&bia).await.is_none());
    turn(&site, "+0s");
    assert_eq!(alice.whoami(&bia).await.expect("the session")["id"], session["id"]);
    bob.signed_in(&bia, "microsoft").await;
    assert!(!bia.log().contains("panicked"), "{}", bia.log());
}
