//! Patience of a web hook, and what its failures may tell.

use std::time::Duration;

use bia_hooks::{HookError, Hooks, Moment, Registry, Services};
use bia_model::{ApiError, FlowKind};
use bia_outbound::Policy;
use serde_json::{Value, json};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::stage::{Fixed, Stage, after, build, services, services_with, web_hook};

fn hooks(url: &str, more: Value, services: &Services) -> Hooks {
    build(Registry::new(), after("login", json!([web_hook(url, more)])), services).expect("the hooks build")
}

async fn login(hooks: &Hooks) -> Result<(), HookError> {
    Stage::new(FlowKind::Login).run(hooks, Moment::LoginAfter).await
}

async fn error_of(hooks: &Hooks) -> ApiError {
    match login(hooks).await {
        Err(HookError::Api(error)) => *error,
        other => panic!("expected an API error, got {other:?}"),
    }
}

async fn calls(server: &MockServer) -> Vec<wiremock::Request> {
    server.received_requests().await.expect("requests are recorded")
}

#[tokio::test]
async fn server_errors_are_tried_three_times_and_their_messages_never_read() {
    for status in [500, 503, 429] {
        let server = MockServer::start().await;
        let body = json!({ "messages": [{ "messages": [{ "id": 1, "text": "unread", "type": "error" }] }] });
        let answer = ResponseTemplate::new(status).set_body_json(body);
        Mock::given(any()).respond_with(answer).mount(&server).await;
        let hooks = hooks(&server.uri(), json!({ "can_interrupt": true }), &services(Fixed(Ok("{}"))));
        let error = error_of(&hooks).await;
        assert_eq!(error.code, 500);
        assert!(error.message.ends_with("giving up after 3 attempt(s)"), "{}", error.message);
        assert_eq!(calls(&server).await.len(), 3, "{status}");
    }
}

#[tokio::test]
async fn refusals_and_501_are_not_tried_again() {
    for status in [400, 403, 404, 501] {
        let server = MockServer::start().await;
        Mock::given(any()).respond_with(ResponseTemplate::new(status)).mount(&server).await;
        assert_eq!(error_of(&hooks(&server.uri(), json!({}), &services(Fixed(Ok("{}"))))).await.code, 502);
        assert_eq!(calls(&server).await.len(), 1, "{status}");
    }
}

#[tokio::test]
async fn second_attempt_may_succeed_and_carries_an_id_of_its_own() {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(502)).up_to_n_times(1).mount(&server).await;
    Mock::given(any()).respond_with(ResponseTemplate::new(200)).mount(&server).await;
    login(&hooks(&server.uri(), json!({}), &services(Fixed(Ok("{}"))))).await.unwrap();
    let calls = calls(&server).await;
    assert_eq!(calls.len(), 2);
    let id = |index: usize, name: &str| calls[index].headers.get(name).cloned().expect("the header is there");
    assert_ne!(id(0, "ory-webhook-request-id"), id(1, "ory-webhook-request-id"));
    assert_eq!(id(0, "ory-webhook-trigger-id"), id(1, "ory-webhook-trigger-id"));
}

#[tokio::test]
async fn receiver_that_does_not_answer_in_time_is_a_504() {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(200).set_delay(Duration::from_secs(60))).mount(&server).await;
    let mut services = services(Fixed(Ok("{}")));
    services.pace.attempt = Duration::from_millis(40);
    let error = error_of(&hooks(&server.uri(), json!({}), &services)).await;
    assert_eq!(error.code, 504);
    assert_eq!(
        error.reason.as_deref(),
        Some("A third-party upstream service could not be reached. Please try again later.")
    );
}

#[tokio::test]
async fn receiver_may_not_ask_for_an_endless_wait() {
    let server = MockServer::start().await;
    let busy = ResponseTemplate::new(503).insert_header("retry-after", "86400");
    Mock::given(any()).respond_with(busy).up_to_n_times(1).mount(&server).await;
    Mock::given(any()).respond_with(ResponseTemplate::new(200)).mount(&server).await;
    let mut services = services(Fixed(Ok("{}")));
    services.pace.wait_max = Duration::from_millis(2);
    let hooks = hooks(&server.uri(), json!({}), &services);
    tokio::time::timeout(Duration::from_secs(30), login(&hooks)).await.expect("the wait is bounded").unwrap();
}

#[tokio::test]
async fn private_address_is_not_called_when_that_is_forbidden() {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(200)).mount(&server).await;
    let policy = Policy { disallow_private_ip_ranges: true, ..Policy::default() };
    let services = services_with(Fixed(Ok("{}")), policy);
    assert_eq!(error_of(&hooks(&server.uri(), json!({}), &services)).await.code, 502);
    assert!(calls(&server).await.is_empty());
}

#[tokio::test]
async fn failures_tell_neither_address_nor_credentials() {
    let closed = "http://127.0.0.1:9/hunter2?key=hunter2";
    let more = json!({
        "headers": { "X-Key": "hunter2" },
        "auth": { "type": "basic_auth", "config": { "user": "hunter2", "password": "hunter2" } }
    });
    let refusing = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(403).set_body_string("hunter2")).mount(&refusing).await;
    for url in [closed.to_owned(), format!("{}/hunter2", refusing.uri())] {
        let hooks = hooks(&url, more.clone(), &services(Fixed(Ok("{}"))));
        let error = error_of(&hooks).await;
        assert!(!format!("{error:?} {error}").contains("hunter2"), "{error:?}");
    }
    let config = serde_json::from_value(web_hook(closed, more)["config"].clone()).expect("the settings are valid");
    let options = bia_hooks::web_hook::Options::new(&config).expect("the settings are accepted");
    assert!(!format!("{options:?}").contains("hunter2"));
}

#[tokio::test]
async fn unusable_settings_are_refused_at_start_without_their_values() {
    for (more, key) in [
        (json!({ "url": "ftp://hunter2" }), "`url`"),
        (json!({ "method": "hunter 2" }), "`method`"),
        (json!({ "headers": { "X-A": "hunter2\n" } }), "`headers.X-A`"),
        (
            json!({ "auth": { "type": "api_key", "config": { "name": "a;b", "value": "hunter2", "in": "cookie" } } }),
            "`auth.config.name`",
        ),
    ] {
        let entry = web_hook("http://127.0.0.1:9", more);
        let error = build(Registry::new(), after("login", json!([entry])), &services(Fixed(Ok("{}")))).err().unwrap();
        let text = error.to_string();
        assert!(text.contains(key) && !text.contains("hunter"), "{text}");
    }
}
