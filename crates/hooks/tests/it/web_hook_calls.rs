//! What a web hook sends, when, and where to.

use bia_hooks::{HookError, Hooks, Moment, Registry, Services};
use bia_model::FlowKind;
use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::stage::{Echo, Fixed, Stage, after, build, services, web_hook};

pub(crate) async fn receiver() -> MockServer {
    let server = MockServer::start().await;
    Mock::given(wiremock::matchers::any()).respond_with(ResponseTemplate::new(200)).mount(&server).await;
    server
}

pub(crate) async fn received(server: &MockServer) -> Vec<Request> {
    server.received_requests().await.expect("requests are recorded")
}

pub(crate) fn built(flow: &str, hook: Value, services: &Services) -> Hooks {
    build(Registry::new(), after(flow, json!([hook])), services).expect("the hooks build")
}

fn header<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    request.headers.get(name).map(|value| value.to_str().expect("text"))
}

#[tokio::test]
async fn parsing_hook_runs_before_the_insert_and_others_after_it() {
    for (more, before, later) in
        [(json!({ "response": { "parse": true } }), 1, 1), (json!({ "can_interrupt": true }), 1, 1), (json!({}), 0, 1)]
    {
        let server = MockServer::start().await;
        Mock::given(method("POST")).respond_with(ResponseTemplate::new(204)).mount(&server).await;
        let hooks = built("registration", web_hook(&server.uri(), more), &services(Echo));
        let mut stage = Stage::new(FlowKind::Registration);
        stage.run(&hooks, Moment::RegistrationBeforeInsert).await.unwrap();
        assert_eq!(received(&server).await.len(), before);
        stage.run(&hooks, Moment::RegistrationAfterInsert).await.unwrap();
        assert_eq!(received(&server).await.len(), later);
    }
}

#[tokio::test]
async fn parsing_hook_in_the_global_list_runs_too() {
    let server = receiver().await;
    let hook = web_hook(&server.uri(), json!({ "can_interrupt": true }));
    let hooks =
        build(Registry::new(), json!({ "registration": { "after": { "hooks": [hook] } } }), &services(Echo)).unwrap();
    Stage::new(FlowKind::Registration).run(&hooks, Moment::RegistrationBeforeInsert).await.unwrap();
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
    Stage::new(FlowKind::Login).run(&hooks, Moment::LoginAfter).await.unwrap();
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
        Stage::new(FlowKind::Login).run(&hooks, Moment::LoginAfter).await.unwrap();
        let request = received(&server).await.remove(0);
        let expected = if place == "cookie" { "X-Api-Key=hook-key" } else { "hook-key" };
        assert_eq!(header(&request, name), Some(expected));
        assert_eq!(header(&request, "ory-webhook-request-id"), None);
    }
}

#[tokio::test]
async fn form_body_is_sorted_and_encoded() {
    let server = receiver().await;
    let hook = web_hook(&server.uri(), json!({ "headers": { "Content-Type": "application/x-www-form-urlencoded" } }));
    let hooks = built("login", hook, &services(Fixed(Ok(r#"{ "b": "2 & 3", "a": "1", "c": null }"#))));
    Stage::new(FlowKind::Login).run(&hooks, Moment::LoginAfter).await.unwrap();
    let request = received(&server).await.remove(0);
    assert_eq!(String::from_utf8_lossy(&request.body), "a=1&b=2+%26+3&c=");
    assert_eq!(header(&request, "content-type"), Some("application/x-www-form-urlencoded"));
}

#[tokio::test]
async fn form_body_of_anything_but_strings_is_an_error() {
    let server = receiver().await;
    let hook = web_hook(&server.uri(), json!({ "headers": { "Content-Type": "application/x-www-form-urlencoded" } }));
    let hooks = built("login", hook, &services(Fixed(Ok(r#"{ "a": { "b": 1 } }"#))));
    Stage::new(FlowKind::Login).run(&hooks, Moment::LoginAfter).await.unwrap_err();
    assert!(received(&server).await.is_empty());
}

#[tokio::test]
async fn trace_sends_no_body_and_needs_no_template() {
    let server = receiver().await;
    let hook = web_hook(&server.uri(), json!({ "method": "TRACE", "body": null }));
    let hooks = built("login", hook, &services(Fixed(Ok("unused"))));
    assert!(hooks.warnings().is_empty());
    Stage::new(FlowKind::Login).run(&hooks, Moment::LoginAfter).await.unwrap();
    assert!(received(&server).await.remove(0).body.is_empty());
}

#[tokio::test]
async fn hook_without_a_template_warns_at_start_and_fails_each_call() {
    let server = receiver().await;
    let hooks = built("login", web_hook(&server.uri(), json!({ "body": null })), &services(Echo));
    assert_eq!(hooks.warnings().len(), 1);
    let error = Stage::new(FlowKind::Login).run(&hooks, Moment::LoginAfter).await.unwrap_err();
    assert!(matches!(error, HookError::Api(error) if error.message == "got empty template path for request with body"));
}

#[tokio::test]
async fn cancelled_template_skips_the_call() {
    let server = receiver().await;
    let hooks = built("login", web_hook(&server.uri(), json!({ "can_interrupt": true })), &services(Fixed(Err(()))));
    Stage::new(FlowKind::Login).run(&hooks, Moment::LoginAfter).await.unwrap();
    assert!(received(&server).await.is_empty());
}

#[tokio::test]
async fn ignoring_and_parsing_the_answer_exclude_each_other() {
    let hook = web_hook("http://127.0.0.1:9", json!({ "response": { "ignore": true, "parse": true } }));
    let error = build(Registry::new(), after("login", json!([hook])), &services(Echo)).err().unwrap();
    assert!(error.to_string().contains("response.ignore"), "{error}");
}

#[tokio::test]
async fn redirect_repeats_the_call_but_takes_no_credentials_to_another_host() {
    let elsewhere = receiver().await;
    let server = MockServer::start().await;
    let to = |status: u16, target: &str| ResponseTemplate::new(status).insert_header("location", target);
    Mock::given(path("/start")).respond_with(to(307, "/next")).mount(&server).await;
    Mock::given(path("/next")).respond_with(to(308, &elsewhere.uri())).mount(&server).await;
    let hook = web_hook(&format!("{}/start", server.uri()), json!({ "headers": { "X-Secret": "hunter2" } }));
    let hooks = built("login", hook, &services(Fixed(Ok("{}"))));
    Stage::new(FlowKind::Login).run(&hooks, Moment::LoginAfter).await.unwrap();
    let first = received(&server).await;
    assert_eq!(header(&first[1], "x-secret"), Some("hunter2"));
    let last = received(&elsewhere).await.remove(0);
    assert_eq!((last.method.as_str(), last.body.as_slice()), ("POST", b"{}".as_slice()));
    assert_eq!(header(&last, "x-secret"), None);
}
