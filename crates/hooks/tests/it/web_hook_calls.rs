//! What a web hook sends, and when.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bia_hooks::{Background, Bodies, BodyError, HookError, Hooks, Moment, Registry, Services};
use bia_model::FlowKind;
use serde_json::{Value, json};
use tokio::sync::Notify;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::stage::{Echo, Fixed, SESSION_ID, Stage, after, build, services, web_hook};

async fn receiver() -> MockServer {
    let server = MockServer::start().await;
    Mock::given(wiremock::matchers::any())
        .respond_with(ResponseTemplate::new(200))
        .mount(&server)
        .await;
    server
}

async fn received(server: &MockServer) -> Vec<Request> {
    server
        .received_requests()
        .await
        .expect("requests are recorded")
}

fn built(flow: &str, hook: Value, services: &Services) -> Hooks {
    build(Registry::new(), after(flow, json!([hook])), services).expect("the hooks build")
}

fn header<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    request
        .headers
        .get(name)
        .map(|value| value.to_str().expect("text"))
}

/// The `ctx` that a hook's template saw at this moment.
async fn context_at(kind: FlowKind, moment: Moment, more: Value) -> Value {
    let server = receiver().await;
    let hook = web_hook(&server.uri(), more);
    let hooks = if matches!(moment, Moment::Before(_)) {
        build(
            Registry::new(),
            json!({ kind.as_str(): { "before": { "hooks": [hook] } } }),
            &services(Echo),
        )
        .unwrap()
    } else {
        built(kind.as_str(), hook, &services(Echo))
    };
    Stage::new(kind).run(&hooks, moment).await.unwrap();
    let requests = received(&server).await;
    assert_eq!(requests.len(), 1);
    requests[0].body_json().expect("the body is ctx")
}

fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = value
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect();
    keys.sort_unstable();
    keys
}

#[tokio::test]
async fn registration_shows_everything_but_the_session() {
    let ctx = context_at(
        FlowKind::Registration,
        Moment::RegistrationAfterInsert,
        json!({}),
    )
    .await;
    assert_eq!(
        keys(&ctx),
        [
            "flow",
            "identity",
            "request_cookies",
            "request_headers",
            "request_method",
            "request_url"
        ]
    );
    assert_eq!(
        keys(&ctx["flow"]),
        [
            "active",
            "expires_at",
            "id",
            "issued_at",
            "organization_id",
            "request_url",
            "state",
            "transient_payload",
            "type",
            "ui"
        ]
    );
    assert_eq!(ctx["flow"]["transient_payload"], json!({}));
    assert_eq!(
        ctx["request_url"],
        "https://id.example/callback?code=c&state=s"
    );
    assert_eq!(
        keys(&ctx["request_headers"]),
        ["Accept", "User-Agent"],
        "no Cookie, no Authorization"
    );
    assert_eq!(ctx["request_headers"]["Accept"], json!(["text/html"]));
    assert_eq!(
        ctx["request_cookies"],
        json!({ "ory_kratos_session": "1", "csrf": "2" })
    );
    assert!(ctx["identity"].get("metadata_admin").is_none());
}

#[tokio::test]
async fn login_shows_the_session_before_it_has_an_id() {
    let ctx = context_at(FlowKind::Login, Moment::LoginAfter, json!({})).await;
    assert_eq!(ctx["session"]["id"], "00000000-0000-0000-0000-000000000000");
    assert_eq!(ctx["session"]["identity"], ctx["identity"]);
    assert!(ctx["flow"].get("refresh").is_some());
}

#[tokio::test]
async fn settings_show_the_stored_session_and_the_flow_with_its_identity() {
    let ctx = context_at(FlowKind::Settings, Moment::SettingsAfterSave, json!({})).await;
    assert_eq!(ctx["session"]["id"], json!(SESSION_ID));
    assert_eq!(ctx["flow"]["identity"], ctx["identity"]);
    assert_eq!(ctx["flow"].get("transient_payload"), Some(&Value::Null));
}

#[tokio::test]
async fn hook_before_a_flow_sees_neither_identity_nor_session() {
    let ctx = context_at(FlowKind::Login, Moment::Before(FlowKind::Login), json!({})).await;
    assert_eq!(
        keys(&ctx),
        [
            "flow",
            "request_cookies",
            "request_headers",
            "request_method",
            "request_url"
        ]
    );
}

#[tokio::test]
async fn parsing_hook_runs_before_the_insert_and_others_after_it() {
    for (more, before, later) in [
        (json!({ "response": { "parse": true } }), 1, 1),
        (json!({ "can_interrupt": true }), 1, 1),
        (json!({}), 0, 1),
    ] {
        let server = MockServer::start().await;
        Mock::given(method("POST"))
            .respond_with(ResponseTemplate::new(204))
            .mount(&server)
            .await;
        let hooks = built(
            "registration",
            web_hook(&server.uri(), more),
            &services(Echo),
        );
        let mut stage = Stage::new(FlowKind::Registration);
        stage
            .run(&hooks, Moment::RegistrationBeforeInsert)
            .await
            .unwrap();
        assert_eq!(received(&server).await.len(), before);
        stage
            .run(&hooks, Moment::RegistrationAfterInsert)
            .await
            .unwrap();
        assert_eq!(received(&server).await.len(), later);
    }
}

#[tokio::test]
async fn parsing_hook_in_the_global_list_runs_too() {
    let server = receiver().await;
    let hook = web_hook(&server.uri(), json!({ "can_interrupt": true }));
    let hooks = build(
        Registry::new(),
        json!({ "registration": { "after": { "hooks": [hook] } } }),
        &services(Echo),
    )
    .unwrap();
    Stage::new(FlowKind::Registration)
        .run(&hooks, Moment::RegistrationBeforeInsert)
        .await
        .unwrap();
    assert_eq!(received(&server).await.len(), 1);
}

#[tokio::test]
async fn call_carries_method_headers_credentials_and_ids() {
    let server = receiver().await;
    let hook = web_hook(
        &server.uri(),
        json!({
            "method": "PUT", "headers": { "X-Extra": "yes" },
            "auth": { "type": "basic_auth", "config": { "user": "u", "password": "p" } }
        }),
    );
    let hooks = built("login", hook, &services(Fixed(Ok("{}"))));
    Stage::new(FlowKind::Login)
        .run(&hooks, Moment::LoginAfter)
        .await
        .unwrap();
    let request = received(&server).await.remove(0);
    assert_eq!(request.method.as_str(), "PUT");
    assert_eq!(header(&request, "content-type"), Some("application/json"));
    assert_eq!(header(&request, "x-extra"), Some("yes"));
    assert_eq!(header(&request, "authorization"), Some("Basic dTpw"));
    assert_eq!(header(&request, "user-agent"), Some("Go-http-client/1.1"));
    assert!(header(&request, "ory-webhook-request-id").is_some());
    assert!(header(&request, "ory-webhook-trigger-id").is_some());
}

#[tokio::test]
async fn api_key_goes_into_its_header_or_cookie() {
    for (place, name) in [("header", "x-api-key"), ("cookie", "cookie")] {
        let server = receiver().await;
        let hook = web_hook(
            &server.uri(),
            json!({
                "emit_analytics_event": false,
                "auth": { "type": "api_key", "config": { "name": "X-Api-Key", "value": "hook-key", "in": place } }
            }),
        );
        let hooks = built("login", hook, &services(Fixed(Ok("{}"))));
        Stage::new(FlowKind::Login)
            .run(&hooks, Moment::LoginAfter)
            .await
            .unwrap();
        let request = received(&server).await.remove(0);
        let expected = if place == "cookie" {
            "X-Api-Key=hook-key"
        } else {
            "hook-key"
        };
        assert_eq!(header(&request, name), Some(expected));
        assert_eq!(header(&request, "ory-webhook-request-id"), None);
    }
}

#[tokio::test]
async fn form_body_is_sorted_and_encoded() {
    let server = receiver().await;
    let hook = web_hook(
        &server.uri(),
        json!({ "headers": { "Content-Type": "application/x-www-form-urlencoded" } }),
    );
    let hooks = built(
        "login",
        hook,
        &services(Fixed(Ok(r#"{ "b": "2 & 3", "a": "1", "c": null }"#))),
    );
    Stage::new(FlowKind::Login)
        .run(&hooks, Moment::LoginAfter)
        .await
        .unwrap();
    let request = received(&server).await.remove(0);
    assert_eq!(String::from_utf8_lossy(&request.body), "a=1&b=2+%26+3&c=");
    assert_eq!(
        header(&request, "content-type"),
        Some("application/x-www-form-urlencoded")
    );
}

#[tokio::test]
async fn form_body_of_anything_but_strings_is_an_error() {
    let server = receiver().await;
    let hook = web_hook(
        &server.uri(),
        json!({ "headers": { "Content-Type": "application/x-www-form-urlencoded" } }),
    );
    let hooks = built(
        "login",
        hook,
        &services(Fixed(Ok(r#"{ "a": { "b": 1 } }"#))),
    );
    Stage::new(FlowKind::Login)
        .run(&hooks, Moment::LoginAfter)
        .await
        .unwrap_err();
    assert!(received(&server).await.is_empty());
}

#[tokio::test]
async fn trace_sends_no_body_and_needs_no_template() {
    let server = receiver().await;
    let hook = web_hook(&server.uri(), json!({ "method": "TRACE", "body": null }));
    let hooks = built("login", hook, &services(Fixed(Ok("unused"))));
    assert!(hooks.warnings().is_empty());
    Stage::new(FlowKind::Login)
        .run(&hooks, Moment::LoginAfter)
        .await
        .unwrap();
    assert!(received(&server).await.remove(0).body.is_empty());
}

#[tokio::test]
async fn hook_without_a_template_warns_at_start_and_fails_each_call() {
    let server = receiver().await;
    let hooks = built(
        "login",
        web_hook(&server.uri(), json!({ "body": null })),
        &services(Echo),
    );
    assert_eq!(hooks.warnings().len(), 1);
    let error = Stage::new(FlowKind::Login)
        .run(&hooks, Moment::LoginAfter)
        .await
        .unwrap_err();
    assert!(
        matches!(error, HookError::Api(error) if error.message == "got empty template path for request with body")
    );
}

#[tokio::test]
async fn cancelled_template_skips_the_call() {
    let server = receiver().await;
    let hooks = built(
        "login",
        web_hook(&server.uri(), json!({ "can_interrupt": true })),
        &services(Fixed(Err(()))),
    );
    Stage::new(FlowKind::Login)
        .run(&hooks, Moment::LoginAfter)
        .await
        .unwrap();
    assert!(received(&server).await.is_empty());
}

#[tokio::test]
async fn ignoring_and_parsing_the_answer_exclude_each_other() {
    let hook = web_hook(
        "http://127.0.0.1:9",
        json!({ "response": { "ignore": true, "parse": true } }),
    );
    let error = build(
        Registry::new(),
        after("login", json!([hook])),
        &services(Echo),
    )
    .err()
    .unwrap();
    assert!(error.to_string().contains("response.ignore"), "{error}");
}

#[tokio::test]
async fn ignored_answer_never_fails_the_flow() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(500))
        .mount(&server)
        .await;
    let hooks = built(
        "login",
        web_hook(&server.uri(), json!({ "response": { "ignore": true } })),
        &services(Echo),
    );
    Stage::new(FlowKind::Login)
        .run(&hooks, Moment::LoginAfter)
        .await
        .unwrap();
    assert!(hooks.finish_background(Duration::from_secs(20)).await);
    assert_eq!(
        received(&server).await.len(),
        3,
        "retries happen in the background, too"
    );
}

/// A template that waits until the test lets it go on.
struct Gated(Arc<Notify>);

#[async_trait]
impl Bodies for Gated {
    async fn evaluate(&self, _: &str, _: &str) -> Result<String, BodyError> {
        self.0.notified().await;
        Ok("{}".to_owned())
    }
}

#[tokio::test]
async fn background_has_room_for_so_many_and_no_more() {
    let server = receiver().await;
    let gate = Arc::new(Notify::new());
    let mut services = services(Gated(Arc::clone(&gate)));
    services.background = Background::with_room_for(1);
    let hooks = built(
        "login",
        web_hook(&server.uri(), json!({ "response": { "ignore": true } })),
        &services,
    );
    for _ in 0..3 {
        Stage::new(FlowKind::Login)
            .run(&hooks, Moment::LoginAfter)
            .await
            .unwrap();
    }
    gate.notify_one();
    assert!(hooks.finish_background(Duration::from_secs(20)).await);
    assert_eq!(received(&server).await.len(), 1);
}

#[tokio::test]
async fn client_that_goes_away_after_the_insert_does_not_stop_the_call() {
    let server = receiver().await;
    let gate = Arc::new(Notify::new());
    let hooks = built(
        "registration",
        web_hook(&server.uri(), json!({})),
        &services(Gated(Arc::clone(&gate))),
    );
    let mut stage = Stage::new(FlowKind::Registration);
    {
        let run = stage.run(&hooks, Moment::RegistrationAfterInsert);
        let gone = tokio::time::timeout(Duration::from_millis(1), run).await;
        assert!(gone.is_err(), "the hook waits for its template");
    }
    gate.notify_one();
    let heard = async {
        while received(&server).await.is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), heard)
        .await
        .expect("the receiver heard of it");
}

#[tokio::test]
async fn redirect_repeats_the_call_but_takes_no_credentials_to_another_host() {
    let elsewhere = receiver().await;
    let server = MockServer::start().await;
    let to =
        |status: u16, target: &str| ResponseTemplate::new(status).insert_header("location", target);
    Mock::given(path("/start"))
        .respond_with(to(307, "/next"))
        .mount(&server)
        .await;
    Mock::given(path("/next"))
        .respond_with(to(308, &elsewhere.uri()))
        .mount(&server)
        .await;
    let hook = web_hook(
        &format!("{}/start", server.uri()),
        json!({ "headers": { "X-Secret": "hunter2" } }),
    );
    let hooks = built("login", hook, &services(Fixed(Ok("{}"))));
    Stage::new(FlowKind::Login)
        .run(&hooks, Moment::LoginAfter)
        .await
        .unwrap();
    let first = received(&server).await;
    assert_eq!(header(&first[1], "x-secret"), Some("hunter2"));
    let last = received(&elsewhere).await.remove(0);
    assert_eq!(
        (last.method.as_str(), last.body.as_slice()),
        ("POST", b"{}".as_slice())
    );
    assert_eq!(header(&last, "x-secret"), None);
}
