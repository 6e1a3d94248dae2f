//! A provider that hangs keeps nobody waiting but those who sign in there.

use std::time::{Duration, Instant};

use bia_e2e::Site;
use bia_fake_entra::{Endpoint, EndpointFault, Fault};
use tokio::task::JoinSet;

use crate::world::{open_files, populate, until, whoami};

const WAITING: usize = 100;
const HANGS: Duration = Duration::from_secs(8);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_people_who_wait_for_a_slow_provider_stop_nobody_else() {
    let site = Site::new().await;
    populate(site.control(), WAITING);
    let bia = std::sync::Arc::new(site.start().await);
    let alice = site.browser("alice");
    alice.signed_in(&bia, "partner").await;
    let mut ready = Vec::new();
    for index in 0..WAITING {
        let browser = site.browser(&format!("p{index}"));
        let flow = browser.begin(&bia, "login").await;
        let at = browser.press(&flow, "microsoft").await;
        let back = browser.authorize(&at).await;
        ready.push((browser, back));
    }
    let before = open_files(bia.id());
    site.control().add_fault(Fault::at(Endpoint::Token, EndpointFault::Slow).delay(HANGS));
    let began = Instant::now();
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
    assert!(began.elapsed() < HANGS, "everybody waited: {:?}", began.elapsed());
    while let Some(answer) = waiting.join_next().await {
        let answer = answer.expect("an answer");
        assert_eq!(answer.header("location"), "http://app.example/home", "{answer:?}");
    }
}
