//! One browser with several tabs, and what becomes of a callback that comes again.

use bia_e2e::{Browser, Site};

#[tokio::test]
async fn c3_two_tabs_sign_in_side_by_side_and_their_callbacks_are_worth_nothing_elsewhere() {
    let site = Site::new().await;
    let bia = site.start().await;
    let alice = site.browser("alice");
    let mut callbacks = Vec::new();
    for _ in 0..2 {
        callbacks.push(alice.to_callback(&bia, "microsoft").await);
    }
    // The tab that was opened last comes back first.
    for callback in callbacks.iter().rev() {
        let answer = alice.get(callback).await;
        assert_eq!(answer.header("location"), "http://app.example/home", "{answer:?}");
    }
    let session = alice.whoami(&bia).await.expect("a session");
    let people = Browser::new().get_json(format!("{}/admin/identities", bia.admin)).await.expect(200);
    assert_eq!(people.as_array().map(Vec::len), Some(1), "{people}");
    // Again, by somebody else and by a browser that has lost its session: a page, not JSON, and nobody is signed in.
    alice.forget_cookie(&bia.public, "ory_kratos_session");
    for browser in [&alice, &site.browser("bob")] {
        for callback in &callbacks {
            let answer = browser.get(callback).await;
            assert_eq!(answer.status, 303, "{answer:?}");
            let shown = browser.shown(&bia, &answer).await;
            assert!(shown["error"]["code"].as_u64().is_some_and(|code| code >= 400), "{shown}");
            assert_eq!(browser.whoami(&bia).await, None);
        }
    }
    assert!(session["active"].as_bool().unwrap_or_default(), "{session}");
}
