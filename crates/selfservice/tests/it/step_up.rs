//! Second factors (J1-J3).

use crate::bed::Bed;
use crate::browser::{Browser, Visit, buttons};
use crate::native_exchange::{App, code_of};
use bia_model::Aal;
use bia_selfservice::step_up::{available_aal, check_whoami};
use bia_selfservice::{Outcome, login};
use serde_json::{Value, json};
use std::time::Duration;

async fn bed() -> Bed {
    Bed::with_provider(json!({ "microsoft": { "step_up_context": "c1" } })).await
}

fn id_of(error: &bia_model::ApiError) -> Option<&str> {
    error.id.as_deref()
}

#[tokio::test]
async fn j1_configured_acr_and_amr_values_make_a_session_aal2() {
    let by_amr = Bed::with_provider(json!({ "aal2_amr_values": ["mfa"] })).await;
    assert_eq!(by_amr.signed_in("mfa").await.session().await.unwrap().aal, Aal::Aal2);
    assert_eq!(by_amr.signed_in("alice").await.session().await.unwrap().aal, Aal::Aal1);
    let plain = Bed::new().await;
    assert_eq!(plain.signed_in("mfa").await.session().await.unwrap().aal, Aal::Aal1);
}

#[tokio::test]
async fn j2_a_login_for_aal2_asks_for_the_context_and_raises_the_session() {
    let bed = bed().await;
    let mut alice = bed.signed_in("alice").await;
    let before = alice.session().await.unwrap();
    assert_eq!(before.aal, Aal::Aal1);
    let refused = check_whoami(&bed.deps, &before).unwrap_err();
    assert_eq!(id_of(&refused), Some("session_aal2_required"));
    let flow = alice.begin_login("aal=aal2").await.flow();
    assert_eq!(buttons(&flow), ["microsoft"]);
    let answer = alice.submit(&flow, &[("provider", "microsoft")]).await;
    let claims: Value = serde_json::from_str(&answer.away_query()["claims"]).unwrap();
    assert_eq!(claims["id_token"]["acrs"], json!({ "essential": true, "value": "c1" }));
    alice.follow(answer, "alice").await.expect_session();
    let raised = alice.session().await.unwrap();
    assert_eq!((raised.id, raised.aal), (before.id, Aal::Aal2));
    assert_eq!(raised.authentication_methods.len(), 2);
    assert!(check_whoami(&bed.deps, &raised).is_ok());
}

#[tokio::test]
async fn j2_a_second_factor_elsewhere_leaves_the_session_with_the_provider_it_began_at() {
    let first = json!({ "recheck": "15m", "subject_source": "oid" });
    let second = json!({ "id": "second", "subject_source": "oid", "microsoft": { "step_up_context": "c1" } });
    let bed = Bed::builder().provider(first).provider(second).start().await;
    let subject = "a11ce000-0000-4000-8000-000000000001";
    bed.import("alice@mail.example", &[("microsoft", subject), ("second", subject)], true).await;
    let mut alice = bed.signed_in("alice").await;
    let before = alice.session().await.unwrap().upstream.unwrap();
    assert!(before.refresh_token.is_some());
    let flow = alice.begin_login("aal=aal2").await.flow();
    alice.press(&flow, "second", "alice").await.expect_session();
    let raised = alice.session().await.unwrap();
    assert_eq!((raised.aal, raised.upstream), (Aal::Aal2, Some(before)));
}

#[tokio::test]
async fn j2_a_step_up_keeps_what_an_operator_did_to_the_session_meanwhile() {
    let bed = bed().await;
    let mut alice = bed.signed_in("alice").await;
    let before = alice.session().await.unwrap();
    let later = before.expires_at + Duration::from_secs(3600);
    let store = &bed.deps.store;
    let visit = step_up_visit(&mut alice).await;
    let answer =
        alice.call_back_while(&visit, async { assert!(store.extend_session(before.id, later).await.unwrap()) });
    assert_eq!(answer.await.expect_session().1.expires_at, later, "the cookie has to last as long");
    let raised = alice.session().await.unwrap();
    assert_eq!((raised.aal, raised.expires_at), (Aal::Aal2, later));

    let mut other = bed.signed_in("alice").await;
    let before = other.session().await.unwrap();
    let visit = step_up_visit(&mut other).await;
    let answer = other.call_back_while(&visit, async { assert!(store.deactivate_session(before.id).await.unwrap()) });
    answer.await.expect_nobody();
    let ended = store.find_session(before.id).await.unwrap().unwrap();
    assert_eq!((ended.active, ended.aal), (false, Aal::Aal1));
}

/// As far as the way back from the second factor.
async fn step_up_visit(browser: &mut Browser<'_>) -> Visit {
    let flow = browser.begin_login("aal=aal2").await.flow();
    let away = browser.submit(&flow, &[("provider", "microsoft")]).await.away().unwrap();
    browser.visit(&away, "alice").await
}

#[tokio::test]
async fn j2_without_acrs_in_the_token_the_session_stays_as_it_was() {
    let bed = bed().await;
    bed.control().grant_step_up(false);
    let mut alice = bed.signed_in("alice").await;
    let flow = alice.begin_login("aal=aal2").await.flow();
    let answer = alice.press(&flow, "microsoft", "alice").await;
    answer.expect_nobody();
    assert_eq!(alice.session().await.unwrap().aal, Aal::Aal1);
}

#[tokio::test]
async fn j2_somebody_elses_second_factor_raises_nobody() {
    let bed = bed().await;
    bed.signed_in("bob").await;
    let mut alice = bed.signed_in("alice").await;
    let before = alice.session().await.unwrap();
    for other in ["bob", "carol"] {
        let flow = alice.begin_login("aal=aal2").await.flow();
        alice.press(&flow, "microsoft", other).await.expect_nobody();
    }
    let after = alice.session().await.unwrap();
    assert_eq!((after.identity_id, after.aal), (before.identity_id, Aal::Aal1));
    // Nor did a stranger become somebody by it.
    assert_eq!(bed.count_identities().await, 2);
}

#[tokio::test]
async fn j2_settings_ask_for_the_second_factor_only_where_there_is_one() {
    let bed = bed().await;
    let mut alice = bed.signed_in("alice").await;
    let answer = alice.begin_settings().await;
    let bia_selfservice::Outcome::RedirectAll(to) = &answer.0.outcome else { panic!("not sent to the second factor") };
    assert!(to.to.contains("aal=aal2"), "{}", to.to);
    let plain = Bed::new().await;
    let mut alice = plain.signed_in("alice").await;
    assert_eq!(alice.begin_settings().await.flow().kind.as_str(), "settings");
    let identity = alice.session().await.unwrap().identity.unwrap();
    assert_eq!(available_aal(&plain.deps, &identity), Aal::Aal1);
}

#[tokio::test]
async fn j2_with_required_aal1_nothing_asks_for_more() {
    let bed = Bed::builder()
        .provider(json!({ "microsoft": { "step_up_context": "c1" } }))
        .set("/session/whoami/required_aal", json!("aal1"))
        .set("/selfservice/flows/settings/required_aal", json!("aal1"))
        .start()
        .await;
    let mut alice = bed.signed_in("alice").await;
    assert!(check_whoami(&bed.deps, &alice.session().await.unwrap()).is_ok());
    assert_eq!(alice.begin_settings().await.flow().kind.as_str(), "settings");
}

#[tokio::test]
async fn j3_a_claims_challenge_of_graph_restarts_the_login_once_with_its_claims() {
    let bed = Bed::with_provider(json!({ "microsoft": { "profile": ["jobTitle"] } })).await;
    bed.control().require_graph_context(Some("c7"));
    let mut browser = bed.browser();
    let flow = browser.begin_login("").await.flow();
    let first = browser.submit(&flow, &[("provider", "microsoft")]).await;
    let back = browser.visit(&first.away().unwrap(), "alice").await;
    let again = browser.call_back(&back).await;
    assert!(again.away_query()["claims"].contains("c7"));
    assert!(browser.follow(again, "alice").await.is_registered());
}

#[tokio::test]
async fn j3_a_challenge_that_is_never_satisfied_ends_in_a_clear_refusal() {
    let bed = Bed::with_provider(json!({ "microsoft": { "profile": ["jobTitle"] } })).await;
    bed.control().require_graph_context(Some("c7"));
    bed.control().grant_step_up(false);
    let mut browser = bed.browser();
    let answer = browser.sign_in("microsoft", "alice").await;
    answer.expect_nobody();
    assert_eq!(answer.error()["code"], 502);
    assert_eq!(bed.count_identities().await, 0);
}

/// Somebody who is known, and has so far shown one factor.
async fn known(bed: &Bed) -> uuid::Uuid {
    bed.signed_in("alice").await.session().await.unwrap().identity_id
}

#[tokio::test]
async fn j2_one_factor_of_two_leads_on_to_the_second_and_shows_nobody() {
    let bed = bed().await;
    known(&bed).await;
    for is_json in [false, true] {
        let mut alice = bed.browser();
        alice.is_json = is_json;
        let flow = alice.begin_login("return_to=https://app.example/start").await.flow();
        let away = alice.submit(&flow, &[("provider", "microsoft")]).await.away().unwrap();
        let visit = alice.visit(&away, "alice").await;
        let answer = alice.call_back(&visit).await;
        let to = match &answer.0.outcome {
            Outcome::RedirectAll(to) => to.to.clone(),
            Outcome::GoToProvider { url } => url.clone(),
            other => panic!("shown: {other:?}"),
        };
        assert_eq!(
            to,
            "http://127.0.0.1:4433/self-service/login/browser?aal=aal2&return_to=https%3A%2F%2Fapp.example%2Fstart"
        );
        assert_eq!(alice.session().await.unwrap().aal, Aal::Aal1);
        let flow = alice.begin_login("aal=aal2&return_to=https://app.example/start").await.flow();
        alice.press(&flow, "microsoft", "alice").await.expect_session();
        assert_eq!(alice.session().await.unwrap().aal, Aal::Aal2);
    }
}

#[tokio::test]
async fn j2_an_app_with_one_factor_of_two_learns_nothing_about_the_person() {
    let bed = bed().await;
    known(&bed).await;
    let mut app = App::begin(&bed).await;
    let mut browser = bed.browser();
    let visit = browser.visit(&app.away, "alice").await;
    let code = code_of(&mut browser, &visit).await.expect("the second code");
    let (status, body) = app.exchange(&code).await;
    assert_eq!((status, &body["session"]["identity"]), (200, &Value::Null), "{body}");
    assert_eq!(body["session"]["authenticator_assurance_level"], "aal1");
    app = App::begin_without_exchange(&bed).await;
    let visit = browser.visit(&app.away, "alice").await;
    match browser.call_back(&visit).await.0.outcome {
        Outcome::SignedIn { session, .. } => assert_eq!(session.identity, None),
        other => panic!("nobody is signed in: {other:?}"),
    }
}

#[tokio::test]
async fn j2_a_link_waits_for_the_second_factor() {
    let bed = Bed::builder()
        .provider(json!({ "microsoft": { "step_up_context": "c1" } }))
        .plain_provider("social", "pkce", json!({}))
        .start()
        .await;
    let alice = known(&bed).await;
    let mut browser = bed.browser();
    let begun = browser.begin_login("identity_schema=person").await.flow();
    let asked = browser.press(&begun, "social", "alice").await.flow();
    let halfway = browser.press(&asked, "microsoft", "alice").await;
    assert_eq!(bed.identity(alice).await.oidc_links().len(), 1, "linked with one factor");
    let flow = halfway.flow();
    assert_eq!((flow.requested_aal, buttons(&flow)), (Aal::Aal2, vec!["microsoft".to_owned()]));
    // What was asked for at the beginning still counts in what follows.
    assert_eq!((&asked.identity_schema, &flow.identity_schema), (&begun.identity_schema, &begun.identity_schema));
    assert_eq!(begun.identity_schema.as_deref(), Some("person"));
    let read = login::get_flow(&bed.deps, &browser.context("/").await, Some(&flow.id.to_string())).await;
    assert!(matches!(read.outcome, Outcome::FlowShown(_)), "{:?}", read.outcome);
    browser.press(&flow, "microsoft", "alice").await.expect_session();
    assert_eq!(bed.identity(alice).await.oidc_links().len(), 2);
    assert_eq!(browser.session().await.unwrap().aal, Aal::Aal2);
}

#[tokio::test]
async fn j2_where_one_factor_is_enough_the_login_ends_with_it() {
    let settings = json!({ "microsoft": { "step_up_context": "c1" } });
    let bed = Bed::builder().provider(settings).set("/session/whoami/required_aal", json!("aal1")).start().await;
    let alice = known(&bed).await;
    assert_eq!(bed.browser().sign_in("microsoft", "alice").await.identity_id(), alice);
}
