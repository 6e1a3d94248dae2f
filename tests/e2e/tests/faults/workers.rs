//! Mapper workers that are killed while people sign in.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bia_e2e::{Bia, Browser, Site, children, populate, signal, until};
use serde_json::json;
use tokio::task::JoinSet;

use crate::world::{Met, attempt};

/// Workers that are there to be killed.
fn workers(bia: &Bia) -> Vec<u32> {
    children(bia.id()).into_iter().filter(|child| !child.is_zombie).map(|child| child.id).collect()
}

const PEOPLE: usize = 400;
const SIGN_INS: usize = 80;
const KILLS: usize = 12;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_that_are_killed_cost_at_most_the_sign_ins_they_were_busy_with() {
    // The machine is busy; what is tested is not its speed.
    let site = Site::with(json!({ "bia": { "mapper": { "timeout": "10s" } } })).await;
    populate(site.control(), PEOPLE);
    let bia = Arc::new(site.start().await);
    site.browser("p0").signed_in(&bia, "microsoft").await;
    let (done, next) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(1)));
    let mut people = JoinSet::new();
    for _ in 0..4 {
        let (bia, done, next, stand_in) = (bia.clone(), done.clone(), next.clone(), site.stand_in());
        people.spawn(async move {
            let mut refused = 0;
            while done.load(Ordering::Relaxed) < SIGN_INS {
                let index = next.fetch_add(1, Ordering::Relaxed) % PEOPLE;
                let browser = Browser::new();
                browser.set_cookie(&stand_in, "persona", &format!("p{index}"));
                match attempt(&browser, &bia, "microsoft").await {
                    Met::In(_) => drop(done.fetch_add(1, Ordering::Relaxed)),
                    Met::Refused(answer) => {
                        // To the form or to the error page, with words for people.
                        let shown = browser.shown(&bia, &answer).await;
                        let text = if shown["error"].is_object() {
                            shown["error"]["message"].clone()
                        } else {
                            shown["ui"]["messages"][0]["text"].clone()
                        };
                        assert!(text.as_str().is_some_and(|text| !text.is_empty()), "{shown}");
                        assert!(browser.whoami(&bia).await.is_none(), "refused and signed in");
                        refused += 1;
                    }
                    Met::Nobody => panic!("the server is gone"),
                }
            }
            refused
        });
    }
    let mut killed = 0;
    for round in 0..KILLS {
        until("sign-ins between two kills", || async { done.load(Ordering::Relaxed) > round * 6 }).await;
        until("a worker", || async { !workers(&bia).is_empty() }).await;
        // One of them, another one every time; it may be gone by itself.
        let workers = workers(&bia);
        killed += usize::from(workers.get(round % workers.len().max(1)).is_some_and(|id| signal("KILL", *id)));
    }
    let mut refused = 0;
    while let Some(person) = people.join_next().await {
        refused += person.expect("nobody was lost");
    }
    assert!(killed >= KILLS / 2, "{killed} kills are no fault");
    assert!(refused <= killed, "{refused} sign-ins were lost to {killed} kills");
    site.browser("alice").signed_in(&bia, "microsoft").await;
    let bia = Arc::into_inner(bia).expect("nobody else holds it");
    let workers = workers(&bia);
    assert_eq!(bia.stop().code, Some(0));
    let gone =
        || workers.iter().all(|id| children(*id).is_empty() && !std::path::Path::new(&format!("/proc/{id}")).exists());
    until("no worker is left behind", || async { gone() }).await;
}
