//! What a body template sees as `ctx`, with and without the real evaluator.

use std::sync::Arc;

use bia_hooks::{HookError, Moment, Registry, Services};
use bia_mapper::{Mapper, Settings, WorkerProgram};
use bia_model::FlowKind;
use bia_outbound::{Outbound, Policy, Sources};
use serde_json::{Value, json};

use crate::stage::{Echo, SESSION_ID, Stage, build, services, web_hook};
use crate::web_hook_calls::{built, received, receiver};

/// The `ctx` that a hook's template saw at this moment.
async fn context_at(kind: FlowKind, moment: Moment, more: Value) -> Value {
    let server = receiver().await;
    let hook = web_hook(&server.uri(), more);
    let hooks = if matches!(moment, Moment::Before(_)) {
        build(Registry::new(), json!({ kind.as_str(): { "before": { "hooks": [hook] } } }), &services(Echo)).unwrap()
    } else {
        built(kind.as_str(), hook, &services(Echo))
    };
    Stage::new(kind).run(&hooks, moment).await.unwrap();
    let requests = received(&server).await;
    assert_eq!(requests.len(), 1);
    requests[0].body_json().expect("the body is ctx")
}

fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = value.as_object().expect("an object").keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

#[tokio::test]
async fn registration_shows_everything_but_the_session() {
    let ctx = context_at(FlowKind::Registration, Moment::RegistrationAfterInsert, json!({})).await;
    assert_eq!(keys(&ctx), ["flow", "identity", "request_cookies", "request_headers", "request_method", "request_url"]);
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
    assert_eq!(ctx["request_url"], "https://id.example/callback?code=c&state=s");
    assert_eq!(keys(&ctx["request_headers"]), ["Accept", "User-Agent"], "no Cookie, no Authorization");
    assert_eq!(ctx["request_headers"]["Accept"], json!(["text/html"]));
    assert_eq!(ctx["request_cookies"], json!({ "ory_kratos_session": "1", "csrf": "2" }));
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
    assert_eq!(keys(&ctx), ["flow", "request_cookies", "request_headers", "request_method", "request_url"]);
}

/// Services with real workers: this test binary is its own worker program.
fn real_services() -> Services {
    let outbound = Outbound::new(Policy::default()).expect("the system has certificates");
    let settings = Settings { program: WorkerProgram::current_exe(), workers: 2, ..Settings::default() };
    Services::new(outbound.clone(), Arc::new(Sources::new(outbound)), Mapper::new(settings))
}

fn template(text: &str) -> Value {
    use base64::prelude::{BASE64_STANDARD, Engine as _};
    json!({ "body": format!("base64://{}", BASE64_STANDARD.encode(text)) })
}

#[tokio::test]
async fn jsonnet_template_is_a_function_of_ctx() {
    let server = receiver().await;
    let text = r#"function(ctx) { keys: std.objectFields(ctx), email: ctx.identity.traits.email,
        session: std.get(ctx, "session", "absent"), cookies: std.length(std.objectFields(ctx.request_cookies)) }"#;
    let hooks = built("registration", web_hook(&server.uri(), template(text)), &real_services());
    Stage::new(FlowKind::Registration).run(&hooks, Moment::RegistrationAfterInsert).await.unwrap();
    let body: Value = received(&server).await[0].body_json().expect("the body is JSON");
    assert_eq!(
        body,
        json!({
            "keys": ["flow", "identity", "request_cookies", "request_headers", "request_method", "request_url"],
            "email": "alice@contoso.example", "session": "absent", "cookies": 2
        })
    );
}

#[tokio::test]
async fn jsonnet_error_cancel_skips_the_call() {
    let server = receiver().await;
    let text = r#"function(ctx) if ctx.flow.type == "x" then {} else error "cancel""#;
    let hooks = built("login", web_hook(&server.uri(), template(text)), &real_services());
    Stage::new(FlowKind::Login).run(&hooks, Moment::LoginAfter).await.unwrap();
    assert!(received(&server).await.is_empty());
}

#[tokio::test]
async fn failing_template_stops_the_flow_and_quotes_nothing() {
    let server = receiver().await;
    let text = r#"function(ctx) error "stop " + ctx.identity.traits.email"#;
    let hooks = built("login", web_hook(&server.uri(), template(text)), &real_services());
    let error = Stage::new(FlowKind::Login).run(&hooks, Moment::LoginAfter).await.unwrap_err();
    let HookError::Api(error) = error else { panic!("expected an API error") };
    assert_eq!(error.code, 500);
    assert!(!format!("{error:?}").contains("alice"), "{error:?}");
    assert!(received(&server).await.is_empty());
}

#[tokio::test]
async fn text_of_a_failed_template_for_the_log_holds_no_value_of_ctx() {
    let bodies = real_services().bodies;
    let ctx = r#"{"request_cookies":{"ory_kratos_session":"hunter2-session"}}"#;
    for text in [
        r#"function(ctx) error "stop " + ctx.request_cookies.ory_kratos_session"#,
        "function(ctx) ctx.request_cookies.ory_kratos_session + 1 + {}.missing",
        "function(ctx) assert ctx.request_cookies == {} : std.toString(ctx); {}",
    ] {
        let source = template(text)["body"].as_str().expect("a text").to_owned();
        let error = bodies.evaluate(&source, ctx).await.expect_err("the template fails");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}
