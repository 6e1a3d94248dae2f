//! Callbacks that this browser did not start, or that were used, mixed or changed on the way.

use bia_e2e::{Answer, Bia, Browser, Site};
use bia_fake_entra::Endpoint;
use serde_json::{Value, json};
use url::Url;

use crate::databases::on_each_database;

const HOME: &str = "http://app.example/home";

async fn refused(browser: &Browser, bia: &Bia, answer: &Answer) -> Value {
    let shown = browser.shown(bia, answer).await;
    assert!(browser.whoami(bia).await.is_none(), "{shown}");
    shown
}

fn parameter(url: &Url, name: &str) -> String {
    url.query_pairs().find(|(key, _)| key == name).expect("a parameter").1.into_owned()
}

fn with_parameter(url: &Url, name: &str, value: &str) -> Url {
    let mut changed = url.clone();
    let others: Vec<_> = url.query_pairs().into_owned().filter(|(key, _)| key != name).collect();
    changed.query_pairs_mut().clear().extend_pairs(others).append_pair(name, value);
    changed
}

#[tokio::test]
async fn login_csrf_a_callback_in_another_browser_signs_nobody_in() {
    let site = Site::new().await;
    let bia = site.start().await;
    let mallory = site.browser("mallory");
    let trap = mallory.to_callback(&bia, "microsoft").await;
    let victim = Browser::new();
    let answer = victim.get(&trap).await;
    assert_eq!(refused(&victim, &bia, &answer).await["error"]["code"], 400);
    // Neither does it when the victim is on the way to the provider herself.
    let alice = site.browser("alice");
    let own = alice.to_callback(&bia, "microsoft").await;
    let answer = alice.get(&trap).await;
    assert_eq!(refused(&alice, &bia, &answer).await["error"]["code"], 400);
    assert_eq!(alice.get(&own).await.header("location"), HOME);
    assert_eq!(alice.whoami(&bia).await.expect("a session")["identity"]["traits"]["email"], "alice@contoso.example");
    // And the code was never redeemed for somebody else.
    assert_eq!(site.control().count(Endpoint::Token), 1);
}

#[tokio::test]
async fn a_callback_works_once() {
    on_each_database(async |site| {
        let bia = site.start().await;
        let alice = site.browser("alice");
        let back = alice.to_callback(&bia, "microsoft").await;
        assert_eq!(alice.get(&back).await.header("location"), HOME);
        let asked = site.control().count(Endpoint::Token);
        // Repeated by somebody who is signed in, it leads on; without the session it is worth nothing.
        assert_eq!(alice.get(&back).await.header("location"), HOME);
        alice.forget_cookie(&bia.public, "ory_kratos_session");
        let answer = alice.get(&back).await;
        refused(&alice, &bia, &answer).await;
        assert_eq!(site.control().count(Endpoint::Token), asked, "the code was sent again");
    })
    .await;
}

#[tokio::test]
async fn state_and_code_of_different_flows_do_not_fit() {
    on_each_database(async |site| {
        let bia = site.start().await;
        let alice = site.browser("alice");
        let (one, two) = (alice.to_callback(&bia, "microsoft").await, alice.to_callback(&bia, "microsoft").await);
        let mixed = with_parameter(&one, "code", &parameter(&two, "code"));
        let answer = alice.get(&mixed).await;
        refused(&alice, &bia, &answer).await;
        // A code that somebody else got, injected into Alice's own flow.
        let mallory = site.browser("mallory").to_callback(&bia, "microsoft").await;
        let own = alice.to_callback(&bia, "microsoft").await;
        let answer = alice.get(with_parameter(&own, "code", &parameter(&mallory, "code"))).await;
        refused(&alice, &bia, &answer).await;
    })
    .await;
}

#[tokio::test]
async fn a_state_of_one_provider_is_refused_at_the_callback_of_another() {
    let site = Site::new().await;
    let bia = site.start().await;
    let alice = site.browser("alice");
    for other in ["work", "partner", "absent"] {
        let back = alice.to_callback(&bia, "microsoft").await;
        let swapped = back.as_str().replace("/callback/microsoft", &format!("/callback/{other}"));
        let answer = alice.get(swapped).await;
        assert_eq!(refused(&alice, &bia, &answer).await["error"]["code"], 400, "{other}");
    }
    assert_eq!(site.control().count(Endpoint::Token), 0);
}

#[tokio::test]
async fn a_state_that_was_changed_anywhere_is_refused() {
    let site = Site::new().await;
    let bia = site.start().await;
    let alice = site.browser("alice");
    let back = alice.to_callback(&bia, "microsoft").await;
    let state = parameter(&back, "state");
    for at in (0..state.len()).step_by(state.len() / 12) {
        let mut bytes = state.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(bytes).expect("text");
        let answer = alice.get(with_parameter(&back, "state", &changed)).await;
        assert_eq!(refused(&alice, &bia, &answer).await["error"]["code"], 400, "{at}");
    }
    assert_eq!(alice.get(&back).await.header("location"), HOME);
}

#[tokio::test]
async fn a_link_that_an_attacker_began_does_not_end_in_the_victims_account() {
    on_each_database(async |site| {
        let bia = site.start().await;
        let (mallory, alice) = (site.browser("bob"), site.browser("alice"));
        mallory.signed_in(&bia, "microsoft").await;
        alice.signed_in(&bia, "microsoft").await;
        let settings = mallory.begin(&bia, "settings").await;
        let action = settings["ui"]["action"].as_str().expect("an action");
        let at = mallory.post_form(action, &[("link", "work")]).await.location();
        let back = mallory.authorize(&at).await;
        let answer = alice.get(&back).await;
        assert_eq!(alice.shown(&bia, &answer).await["error"]["code"], 403);
        // Nor when mallory could plant the cookie of the browser that began: the flow is still another person's.
        let cookie = mallory.cookie(&bia.public, "ory_kratos_continuity").expect("a cookie");
        alice.set_cookie(&bia.public, "ory_kratos_continuity", &cookie);
        let answer = alice.get(&back).await;
        assert_eq!(alice.shown(&bia, &answer).await["error"]["code"], 403);
        let links = alice.begin(&bia, "settings").await;
        let work =
            bia_e2e::nodes(&links).into_iter().find(|node| node["attributes"]["value"] == "work").expect("a button");
        assert_eq!(work["attributes"]["name"], "link");
    })
    .await;
}

#[tokio::test]
async fn session_fixation_a_planted_session_stays_the_attackers_and_ends_with_the_next_sign_in() {
    on_each_database(async |site| {
        let bia = site.start().await;
        let mallory = site.browser("bob");
        let hers = mallory.signed_in(&bia, "microsoft").await;
        let planted = mallory.cookie(&bia.public, "ory_kratos_session").expect("a cookie");
        let alice = site.browser("alice");
        let back = alice.to_callback(&bia, "microsoft").await;
        alice.set_cookie(&bia.public, "ory_kratos_session", &planted);
        alice.get(&back).await;
        // Who has a session is led on in it, as in Kratos: it is the attacker's still, and never becomes Alice's.
        assert_eq!(alice.whoami(&bia).await.expect("the planted one")["identity"]["id"], hers["identity"]["id"]);
        assert_eq!(mallory.whoami(&bia).await.expect("a session")["identity"]["id"], hers["identity"]["id"]);
        // A sign-in that is asked for is one of Alice's own, in a session of its own.
        let again = alice.get_json(format!("{}/self-service/login/browser?refresh=true", bia.public)).await.expect(200);
        alice.go_on(&again, "microsoft").await;
        let session = alice.whoami(&bia).await.expect("her own");
        assert_ne!(session["identity"]["id"], hers["identity"]["id"]);
        assert_ne!(session["id"], hers["id"]);
        assert_ne!(alice.cookie(&bia.public, "ory_kratos_session").expect("a cookie"), planted);
        assert_eq!(mallory.whoami(&bia).await.expect("a session")["identity"]["id"], hers["identity"]["id"]);
    })
    .await;
}

#[tokio::test]
async fn cookie_tossing_planted_cookies_open_nothing_and_break_nothing() {
    let site = Site::new().await;
    let bia = site.start().await;
    let mallory = site.browser("mallory");
    mallory.to_callback(&bia, "microsoft").await;
    let csrf = mallory.cookies(&bia.public).into_keys().find(|name| name.starts_with("csrf_token_")).expect("a cookie");
    for name in ["ory_kratos_continuity", "ory_kratos_session", csrf.as_str()] {
        let garbage = ["x", "\"", "%00", "a=b=c", "AAAA; ory_kratos_session=BBBB"];
        for value in garbage.iter().map(|text| (*text).to_owned()).chain(mallory.cookie(&bia.public, name)) {
            let alice = site.browser("alice");
            // An attacker on a sibling domain writes before the visit …
            alice.set_cookie(&bia.public, name, &value);
            let session = alice.signed_in(&bia, "microsoft").await;
            assert_eq!(session["identity"]["traits"]["email"], "alice@contoso.example", "{name}: {value}");
        }
        // … or in the middle of it.
        let alice = site.browser("alice");
        let back = alice.to_callback(&bia, "microsoft").await;
        let planted = mallory.cookie(&bia.public, name).unwrap_or_else(|| "x".to_owned());
        alice.set_cookie(&bia.public, name, &planted);
        let answer = alice.get(&back).await;
        assert_eq!(answer.status, 303, "{name}: {answer:?}");
        let session = alice.whoami(&bia).await;
        assert!(session.is_none_or(|session| session["identity"]["traits"]["email"] == "alice@contoso.example"));
    }
}

#[tokio::test]
async fn response_splitting_nothing_from_a_request_makes_a_header() {
    let site = Site::new().await;
    let bia = site.start().await;
    for return_to in [
        "http://app.example/%0d%0aSet-Cookie:%20a=b",
        "http://app.example/%E5%98%8A%E5%98%8DSet-Cookie:%20a=b",
        "%0d%0aSet-Cookie:%20a=b",
        "http://app.example/%00",
        "//app.example@evil.example/",
        "http://app.example\\@evil.example/",
        "javascript:alert(1)",
    ] {
        let alice = site.browser("alice");
        let url = format!("{}/self-service/login/browser?return_to={return_to}", bia.public);
        let begun = alice.get(&url).await;
        let location = begun.location();
        assert_eq!(location.host_str(), Some("ui.example"), "{return_to}");
        let fine = |answer: &Answer| {
            !answer.cookie_names().iter().any(|name| name == "a") && !answer.header("location").contains(['\r', '\n'])
        };
        assert!(fine(&begun), "{begun:?}");
        if location.path() != "/login" {
            continue;
        }
        let flow = alice.shown(&bia, &begun).await;
        let done = alice.go_on(&flow, "microsoft").await;
        assert!(fine(&done), "{done:?}");
        assert_eq!(done.location().host_str(), Some("app.example"), "{return_to}: {done:?}");
    }
    let odd = Browser::new().with_header("x-request-id", "abc\tdef").with_header("x-forwarded-host", "a b");
    let answer = odd.get_json(format!("{}/sessions/whoami", bia.public)).await;
    assert_eq!(answer.status, 401);
    assert!(!answer.header("x-request-id").contains("abc"));
}

#[tokio::test]
async fn unlinking_needs_the_browser_that_holds_the_flow() {
    let site = Site::new().await;
    let bia = site.start().await;
    let alice = site.browser("alice");
    let session = alice.signed_in(&bia, "microsoft").await;
    let settings = alice.begin(&bia, "settings").await;
    let action = settings["ui"]["action"].as_str().expect("an action");
    let mallory = site.browser("bob");
    mallory.signed_in(&bia, "microsoft").await;
    let answer = mallory.post_json(action, &json!({ "unlink": "microsoft" })).await;
    assert_eq!((answer.status, answer.error_id().as_str()), (403, "security_identity_mismatch"));
    let nobody = Browser::new().post_json(action, &json!({ "unlink": "microsoft" })).await;
    assert_eq!(nobody.status, 401);
    let again = site.browser("alice").signed_in(&bia, "microsoft").await;
    assert_eq!(again["identity"]["id"], session["identity"]["id"]);
}

#[tokio::test]
async fn an_error_that_is_posted_ends_on_the_form_and_redeems_no_code() {
    let mut site = Site::new().await;
    site.provider("microsoft", json!({ "response_mode": "form_post" }));
    let bia = site.start().await;
    let alice = site.browser("alice");
    let at = alice.press(&alice.begin(&bia, "login").await, "microsoft").await;
    assert_eq!(parameter(&at, "response_mode"), "form_post");
    let state = parameter(&at, "state");
    let fields = [("error", "login_required"), ("state", state.as_str()), ("code", "a-code-beside-an-error")];
    let posted = alice.post_form(format!("{}/self-service/methods/oidc/callback/microsoft", bia.public), &fields).await;
    // Back to itself as a GET, where the cookies are that a form of another site does not bring along.
    assert_eq!(posted.status, 302, "{posted:?}");
    let answer = alice.get(posted.location()).await;
    let shown = refused(&alice, &bia, &answer).await;
    assert!(shown["ui"]["messages"][0]["text"].as_str().is_some_and(|text| !text.is_empty()), "{shown}");
    assert_eq!(site.control().count(Endpoint::Token), 0);
}
