//! A process that may open no more files.

use std::time::Duration;

use bia_e2e::{Browser, Site, until};
use tokio::net::TcpStream;

use crate::world::{can, start_from_shell, whoami};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_ninety_six_files_a_crowd_waits_outside_and_people_sign_in_beside_it() {
    let site = Site::new().await;
    let bia = start_from_shell(&site, "ulimit -n 96; exec \"$0\" serve -c \"$1\"").await;
    let address = bia.public.trim_start_matches("http://").to_owned();
    let mut crowd = Vec::new();
    for _ in 0..100 {
        // The kernel keeps those that don't get in.
        crowd.push(TcpStream::connect(&address).await.expect("a connection"));
    }
    let alice = site.browser("alice");
    alice.signed_in(&bia, "microsoft").await;
    drop(crowd);
    assert_eq!(whoami(&alice, &bia).await.status, 200);
    site.browser("bob").signed_in(&bia, "partner").await;
    assert!(!bia.log().contains("could not be accepted"), "handles are kept back: {}", bia.log());
    assert!(!bia.log().contains("panicked"), "{}", bia.log());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_last_file_is_taken_it_goes_on_and_recovers_by_itself() {
    let site = Site::new().await;
    let bia = site.start().await;
    let alice = site.browser("alice");
    alice.signed_in(&bia, "microsoft").await;
    let limit = |files: &str| {
        let (id, limit) = (bia.id().to_string(), format!("--nofile={files}:"));
        assert!(can("prlimit", &["--pid", &id, &limit]), "prlimit");
    };
    // Below what is open: nothing more can be opened.
    limit("16");
    let refused = tokio::time::timeout(Duration::from_secs(2), Browser::new().try_get(&bia.public)).await;
    assert!(!matches!(refused, Ok(Ok(_))), "a connection got in: {refused:?}");
    until("the log says so", || async { bia.log().contains("a connection could not be accepted") }).await;
    assert!(bia.log().matches("could not be accepted").count() < 1000, "the log is flooded");
    limit("1024");
    assert_eq!(whoami(&Browser::new(), &bia).await.status, 401);
    site.browser("bob").signed_in(&bia, "partner").await;
    assert!(alice.whoami(&bia).await.is_some());
    assert!(!bia.log().contains("panicked"), "{}", bia.log());
}
