//! A provider that hangs keeps nobody waiting but those who sign in there.

use std::sync::Arc;

use bia_e2e::{Browser, Site, open_files, populate, until};
use serde_json::json;
use tokio::task::JoinSet;

use crate::world::{Cable, whoami};

const WAITING: usize = 60;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_that_waits_for_a_provider_that_hangs_stops_nobody_else() {
    let mut site = Site::new().await;
    populate(site.control(), WAITING);
    let cable = Cable::to(site.stand_in().trim_start_matches("http://")).await;
    let slow = format!("http://127.0.0.1:{}", cable.port);
    site.provider("microsoft", json!({ "microsoft": { "authority_host": slow, "graph_host": slow } }));
    let bia = Arc::new(site.start().await);
    let alice = site.browser("alice");
    alice.signed_in(&bia, "partner").await;
    let mut ready = Vec::new();
    for index in 0..WAITING {
        let browser = Browser::new();
        browser.set_cookie(&slow, "persona", &format!("p{index}"));
        let back = browser.to_callback(&bia, "microsoft").await;
        ready.push((browser, back));
    }
    let before = open_files(bia.id());
    cable.silent(true);
    let mut waiting = JoinSet::new();
    for (browser, back) in ready {
        waiting.spawn(async move { browser.get(back).await });
    }
    // Each waits on a connection of its own.
    until("most of them wait at the provider", || async { open_files(bia.id()) >= before + WAITING / 2 }).await;
    // Of the connections to the database, for one, none may be held by those who wait.
    for _ in 0..20 {
        assert_eq!(whoami(&alice, &bia).await.status, 200);
        alice.begin(&bia, "settings").await;
    }
    site.browser("bob").signed_in(&bia, "partner").await;
    assert!(waiting.try_join_next().is_none(), "nobody has an answer yet");
    cable.silent(false);
    while let Some(answer) = waiting.join_next().await {
        let answer = answer.expect("an answer");
        assert_eq!(answer.header("location"), "http://app.example/home", "{answer:?}");
    }
}
