//! A provider that misbehaves in every way the stand-in knows: always a page, never a session, one line in the log that
//! names the step, and the next honest sign-in works.

use std::time::{Duration, Instant};

use bia_e2e::{Answer, Bia, Browser, Site};
use bia_fake_entra::{Endpoint, EndpointFault, Fault, IdTokenFault};
use serde_json::{Map, Value, json};

/// How a fault has to end.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    /// Back at the login page with a message.
    Form,
    /// On the error page.
    ErrorPage,
    /// Signed in: an oddity that is none.
    Home,
}

use End::{ErrorPage, Form, Home};

/// The last sign-in of the log failed at this step; exactly one line says so.
#[track_caller]
fn check_log(log: &str, step: &str) {
    let lines: Vec<Value> = log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let failed: Vec<&Value> = lines.iter().filter(|line| line["message"] == "sign-in failed at the provider").collect();
    assert_eq!(failed.len(), 1, "{log}");
    assert_eq!(failed[0]["step"], step, "{log}");
}

/// From the button to the answer that a visitor sees, wherever the provider breaks off.
async fn try_sign_in(browser: &Browser, bia: &Bia, provider: &str) -> Answer {
    let flow = browser.begin(bia, "login").await;
    let action = flow["ui"]["action"].as_str().expect("an action");
    let pressed = browser.post_form(action, &[("provider", provider)]).await;
    if !pressed.header("location").contains("/authorize") {
        return pressed;
    }
    let back = browser.authorize(&pressed.location()).await;
    browser.get(back).await
}

async fn check_end(browser: &Browser, bia: &Bia, answer: &Answer, end: End, name: &str) {
    if end == Home {
        assert_eq!(answer.header("location"), "http://app.example/home", "{name}");
        return;
    }
    let page = answer.location();
    let expected = if end == Form { "/login" } else { "/error" };
    assert_eq!((page.host_str(), page.path()), (Some("ui.example"), expected), "{name}");
    let shown = browser.shown(bia, answer).await;
    let text = if end == Form { &shown["ui"]["messages"][0]["text"] } else { &shown["error"]["message"] };
    assert!(text.as_str().is_some_and(|text| !text.is_empty()), "{name}: {shown}");
    if end == ErrorPage {
        assert!(shown["error"]["code"].as_u64().is_some_and(|code| code >= 500), "{name}: {shown}");
    }
    assert!(browser.whoami(bia).await.is_none(), "{name}: a session");
}

/// What the log gained since then.
fn since(bia: &Bia, before: usize) -> String {
    bia.log().split_off(before)
}

fn id_token_faults() -> Vec<(&'static str, IdTokenFault, End)> {
    let claims = |claims: Value, drop: &[&str]| IdTokenFault::Claims {
        claims: claims.as_object().cloned().unwrap_or_else(Map::new),
        drop: drop.iter().map(|name| (*name).to_owned()).collect(),
    };
    let (value, seconds) = (None::<String>, None::<i64>);
    vec![
        ("bad signature", IdTokenFault::BadSignature, Form),
        ("wrong nonce", IdTokenFault::WrongNonce, Form),
        ("no nonce", IdTokenFault::NoNonce, Form),
        ("wrong aud", IdTokenFault::WrongAud { value: value.clone() }, Form),
        ("wrong iss", IdTokenFault::WrongIss { value: value.clone() }, Form),
        ("wrong tid", IdTokenFault::WrongTid { value: value.clone() }, Form),
        ("expired", IdTokenFault::Expired { seconds }, Form),
        ("not yet valid", IdTokenFault::NotYetValid { seconds }, Form),
        ("issued in the future", IdTokenFault::FutureIat { seconds }, Home),
        ("alg none", IdTokenFault::AlgNone, Form),
        ("hs256", IdTokenFault::Hs256 { value }, Form),
        ("unknown key", IdTokenFault::UnknownKey, Form),
        ("a stranger's key", IdTokenFault::StrangerSameKid, Form),
        ("no kid", IdTokenFault::NoKid, Home),
        ("two audiences", IdTokenFault::AudArray, Home),
        ("no ID token", IdTokenFault::NoIdToken, Form),
        ("no JWT", IdTokenFault::NotJwt, ErrorPage),
        ("no tid", claims(json!({}), &["tid"]), Form),
        ("no sub", claims(json!({}), &["sub"]), ErrorPage),
        ("e-mail is a number", claims(json!({ "email": 5 }), &[]), Form),
        ("rotated key", IdTokenFault::RotatedKey, Home),
    ]
}

#[tokio::test]
async fn no_bad_id_token_signs_anybody_in() {
    let site = Site::new().await;
    let bia = site.start().await;
    site.browser("alice").signed_in(&bia, "microsoft").await;
    for (name, fault, end) in id_token_faults() {
        let before = bia.log().len();
        site.control().add_fault(Fault::id_token(fault).times(1));
        let alice = site.browser("alice");
        let answer = try_sign_in(&alice, &bia, "microsoft").await;
        check_end(&alice, &bia, &answer, end, name).await;
        if end != Home {
            let log = since(&bia, before);
            assert_eq!(log.matches("sign-in failed at the provider").count(), 1, "{name}: {log}");
            assert!(log.contains(r#""step":"id token""#) || log.contains(r#""step":"claims""#), "{name}: {log}");
        }
        site.browser("alice").signed_in(&bia, "microsoft").await;
    }
}

fn endpoint_faults() -> Vec<(&'static str, EndpointFault)> {
    let text = |status, text: &str, kind: &str| EndpointFault::Text {
        status,
        text: text.to_owned(),
        content_type: kind.to_owned(),
    };
    vec![
        ("500", EndpointFault::status(500)),
        ("503", EndpointFault::status(503)),
        ("429", EndpointFault::throttled(7)),
        ("404", EndpointFault::status(404)),
        ("reset", EndpointFault::Reset),
        ("cut off", EndpointFault::Malformed),
        ("text", text(200, "hello", "text/plain")),
        ("a page", text(502, "<html>Bad gateway</html>", "text/html")),
        ("64 MiB", EndpointFault::Huge { bytes: 64 << 20 }),
        ("an OAuth error", EndpointFault::aadsts("invalid_client", 7_000_222, "AADSTS7000222: the secret expired.")),
        ("a redirect", EndpointFault::Redirect { to: "http://127.0.0.1:9/".to_owned() }),
    ]
}

#[tokio::test]
async fn every_fault_of_the_token_endpoint_ends_on_a_page() {
    every_fault_at(Endpoint::Token, "microsoft", "token exchange", json!({})).await;
}

#[tokio::test]
async fn every_fault_of_graph_ends_on_a_page() {
    every_fault_at(
        Endpoint::Graph,
        "microsoft",
        "graph",
        json!({ "subject_source": "me", "scope": ["profile", "email", "User.Read"] }),
    )
    .await;
}

#[tokio::test]
async fn every_fault_of_userinfo_ends_on_a_page() {
    every_fault_at(Endpoint::Userinfo, "partner", "userinfo", json!({ "claims_source": "userinfo" })).await;
}

async fn every_fault_at(endpoint: Endpoint, provider: &str, step: &str, settings: Value) {
    let mut site = Site::new().await;
    site.provider(provider, settings);
    let bia = site.start().await;
    site.browser("alice").signed_in(&bia, provider).await;
    for (name, fault) in endpoint_faults() {
        let (before, started) = (bia.log().len(), Instant::now());
        site.control().add_fault(Fault::at(endpoint, fault));
        let alice = site.browser("alice");
        let answer = try_sign_in(&alice, &bia, provider).await;
        assert!(started.elapsed() < Duration::from_secs(30), "{name} took {:?}", started.elapsed());
        let end = if answer.location().path() == "/login" { Form } else { ErrorPage };
        check_end(&alice, &bia, &answer, end, name).await;
        check_log(&since(&bia, before), step);
        site.control().clear_faults();
        site.browser("alice").signed_in(&bia, provider).await;
    }
}

#[tokio::test]
async fn every_fault_of_metadata_and_keys_ends_on_a_page_and_passes() {
    for (endpoint, provider) in
        [(Endpoint::Keys, "microsoft"), (Endpoint::Discovery, "partner"), (Endpoint::Keys, "partner")]
    {
        for (name, fault) in endpoint_faults() {
            // Fetched once and kept, so each fault meets a server that knows nothing yet.
            let site = Site::new().await;
            site.control().add_fault(Fault::at(endpoint, fault));
            let bia = site.start().await;
            let before = bia.log().len();
            let alice = site.browser("alice");
            let answer = try_sign_in(&alice, &bia, provider).await;
            let end = if answer.location().path() == "/login" { Form } else { ErrorPage };
            check_end(&alice, &bia, &answer, end, name).await;
            check_log(&since(&bia, before), "discovery");
            site.control().clear_faults();
            site.browser("alice").signed_in(&bia, provider).await;
        }
    }
}

#[tokio::test]
async fn errors_of_the_authorization_endpoint_lead_back_to_the_form() {
    let site = Site::new().await;
    let bia = site.start().await;
    for error in ["access_denied", "consent_required", "interaction_required", "login_required", "server_error"] {
        let before = bia.log().len();
        site.control().add_fault(Fault::at(Endpoint::Authorize, EndpointFault::error(error)).times(1));
        let alice = site.browser("alice");
        let answer = try_sign_in(&alice, &bia, "microsoft").await;
        check_end(&alice, &bia, &answer, Form, error).await;
        check_log(&since(&bia, before), "denied");
    }
    site.browser("alice").signed_in(&bia, "microsoft").await;
}

#[tokio::test]
async fn a_provider_that_does_not_answer_ends_on_a_page_within_the_timeout() {
    let site = Site::new().await;
    let bia = site.start().await;
    site.browser("alice").signed_in(&bia, "microsoft").await;
    let before = bia.log().len();
    // Longer than the 30 seconds that Bia, like Kratos, gives a provider.
    let hang = Fault::at(Endpoint::Token, EndpointFault::Slow).delay(Duration::from_secs(50)).times(1);
    site.control().add_fault(hang);
    let (alice, started) = (site.browser("alice"), Instant::now());
    let answer = try_sign_in(&alice, &bia, "microsoft").await;
    assert!(started.elapsed() < Duration::from_secs(45), "{:?}", started.elapsed());
    check_end(&alice, &bia, &answer, ErrorPage, "slow").await;
    check_log(&since(&bia, before), "token exchange");
    site.browser("alice").signed_in(&bia, "microsoft").await;
}

#[tokio::test]
async fn a_failed_refresh_of_keys_refuses_that_sign_in_alone() {
    let site = Site::new().await;
    let bia = site.start().await;
    site.browser("alice").signed_in(&bia, "microsoft").await;
    // A key that nobody has seen yet, and just now the keys can't be had.
    site.control().add_fault(Fault::at(Endpoint::Keys, EndpointFault::status(503)));
    site.control().add_fault(Fault::id_token(IdTokenFault::RotatedKey).times(1));
    let alice = site.browser("alice");
    let answer = try_sign_in(&alice, &bia, "microsoft").await;
    let end = if answer.location().path() == "/login" { Form } else { ErrorPage };
    check_end(&alice, &bia, &answer, end, "keys during a rotation").await;
    site.control().clear_faults();
    site.browser("alice").signed_in(&bia, "microsoft").await;
}
