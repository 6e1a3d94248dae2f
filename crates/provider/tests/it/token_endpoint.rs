//! The token endpoint misbehaves: a clear error, the right place, nothing secret in any text.

use crate::support::{World, exchange, now};
use bia_fake_entra::{Endpoint, EndpointFault, Fault, TEST_CLIENT_SECRET};
use bia_provider::{ProviderError, Step};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use std::time::Duration;

async fn failing(world: &World, fault: EndpointFault) -> ProviderError {
    let provider = world.microsoft(json!({}));
    world.control().clear_faults();
    world.control().add_fault(Fault::at(Endpoint::Token, fault));
    world.sign_in(&provider, "alice").await.expect_err("the token endpoint fails")
}

#[tokio::test]
async fn every_failure_is_a_plain_500_that_names_its_step() {
    let world = World::new().await;
    let faults = [
        EndpointFault::status(500),
        EndpointFault::throttled(7),
        EndpointFault::Reset,
        EndpointFault::Malformed,
        EndpointFault::Huge { bytes: 64 << 20 },
        EndpointFault::aadsts("invalid_client", 7_000_222, "The provided client secret keys are expired."),
        EndpointFault::aadsts("invalid_grant", 70008, "The provided authorization code has expired."),
    ];
    for fault in faults {
        let error = failing(&world, fault.clone()).await;
        let api = error.to_api();
        assert_eq!((api.code, api.id, api.reason), (500, None, None), "{fault:?}");
        assert_eq!(error.step(), Step::TokenExchange);
        assert!(!api.message.is_empty());
    }
    let error = failing(&world, EndpointFault::throttled(7)).await;
    assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
}

#[tokio::test]
async fn an_expired_secret_is_explained_to_the_operator_alone() {
    let world = World::new().await;
    let error = failing(&world, EndpointFault::aadsts("invalid_client", 7_000_222, "The keys are expired.")).await;
    let fields = error.log_fields();
    let field = |name: &str| fields.iter().find(|(n, _)| *n == name).map(|(_, v)| v.as_str()).unwrap_or_default();
    assert_eq!(field("oauth_error"), "invalid_client");
    assert_eq!(field("aadsts"), "AADSTS7000222");
    assert_eq!(field("config_key"), "client_secret");
    assert!(field("explanation").contains("expired"));
    assert!(!field("correlation_id").is_empty() && !field("trace_id").is_empty());
    assert!(!error.to_api().message.contains("secret"), "{}", error.to_api().message);
}

#[tokio::test]
async fn a_redirect_from_the_token_endpoint_is_not_followed() {
    let world = World::new().await;
    let elsewhere = wiremock::MockServer::start().await;
    failing(&world, EndpointFault::Redirect { to: format!("{}/steal", elsewhere.uri()) }).await;
    assert!(elsewhere.received_requests().await.unwrap_or_default().is_empty());
}

#[tokio::test]
async fn a_slow_token_endpoint_ends_at_the_timeout() {
    let world = World::with_timeout(Duration::from_millis(300)).await;
    let provider = world.microsoft(json!({}));
    let authorization = world.authorize(&provider).await.unwrap();
    let code = world.code(&authorization, "alice").await;
    let slow = Fault::at(Endpoint::Token, EndpointFault::Slow).delay(Duration::from_secs(60)).times(1);
    world.control().add_fault(slow);
    let error = exchange(&provider, &authorization, &code).await.unwrap_err();
    assert_eq!(error.to_api().code, 500);
    assert!(error.to_string().contains("did not answer within"), "{error}");
}

#[tokio::test]
async fn nothing_secret_is_printed() {
    let world = World::new().await;
    let provider = world.microsoft(json!({}));
    let authorization = world.authorize(&provider).await.unwrap();
    let code = world.code(&authorization, "alice").await;
    let signed_in = exchange(&provider, &authorization, &code).await.unwrap();
    let again = exchange(&provider, &authorization, &code).await.expect_err("a code works once");
    let printed = format!("{authorization:?} {signed_in:?} {again:?} {again} {:?}", again.to_api());
    let access = signed_in.tokens.access.as_ref().unwrap().expose_secret();
    let verifier = authorization.pkce_verifier.as_deref().unwrap();
    for secret in [TEST_CLIENT_SECRET, &code, access, verifier, "alice@contoso.example", &signed_in.claims.sub] {
        assert!(!printed.contains(secret), "{printed}");
    }
}

#[tokio::test]
async fn a_re_check_ends_sessions_only_for_people_who_are_gone() {
    let world = World::new().await;
    let provider = world.microsoft(json!({ "scope": ["profile", "email", "offline_access"] }));
    let signed_in = world.sign_in(&provider, "alice").await.unwrap();
    let token = signed_in.tokens.refresh.expect("offline_access gives one");
    let refreshed = provider.refresh(&token, now()).await.expect("still there");
    let token: SecretString = refreshed.tokens.refresh.unwrap();
    for passing in [
        EndpointFault::status(503),
        EndpointFault::throttled(1),
        EndpointFault::Reset,
        EndpointFault::aadsts("invalid_client", 7_000_222, "expired"),
    ] {
        world.control().add_fault(Fault::at(Endpoint::Token, passing).times(1));
        assert!(!provider.refresh(&token, now()).await.unwrap_err().ends_sessions());
        world.control().clear_faults();
    }
    world.control().disable_person("alice");
    assert!(provider.refresh(&token, now()).await.unwrap_err().ends_sessions());
}

#[test]
fn a_denial_shows_the_code_and_keeps_the_description_for_the_log() {
    let text = "AADSTS65004: User declined to consent to access the app. <script>alert(1)</script>";
    let error = ProviderError::denied("access_denied", Some(text));
    let reason = error.to_api().reason.unwrap();
    assert!(reason.starts_with(
        "Unable to complete OpenID Connect flow because the OpenID Provider returned error \"access_denied\""
    ));
    assert!(!reason.contains("script") && !error.to_string().contains("script"));
    let odd = ProviderError::denied("<b>x</b>", None).to_api().reason.unwrap();
    assert!(odd.contains("\"bxb\""), "{odd}");
}
