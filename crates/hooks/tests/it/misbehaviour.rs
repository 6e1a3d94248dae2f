//! A hook that panics or hangs stops its flow, and nothing else.

use std::time::Duration;

use bia_hooks::{HookError, Hooks, Moment};
use bia_model::{ApiError, FlowKind};
use serde_json::{Value, json};

use crate::stage::{Echo, Notes, Stage, after, build, probe_registry, probed, services};

async fn error_of(hooks: &Hooks) -> ApiError {
    match Stage::new(FlowKind::Login).run(hooks, Moment::LoginAfter).await {
        Err(HookError::Api(error)) => *error,
        other => panic!("expected an API error, got {other:?}"),
    }
}

fn misbehaving(how: &str) -> Value {
    json!([{ "hook": "probe", "config": { "label": "bad", how: true } }, { "hook": "probe", "config": { "label": "next" } }])
}

#[tokio::test]
async fn panicking_hook_becomes_a_500_without_its_text() {
    let (hooks, notes) = probed(after("login", misbehaving("panic")));
    let error = error_of(&hooks).await;
    assert_eq!(error.code, 500);
    assert!(!format!("{error:?}").contains("hunter2"));
    assert_eq!(notes.take(), ["bad"], "what comes after it does not run");
    assert_eq!(error_of(&hooks).await.code, 500, "the hooks go on working");
}

#[tokio::test]
async fn slow_hook_is_cut_off_at_its_deadline() {
    let notes = Notes::default();
    let registry = probe_registry(&notes).with_deadline(Duration::from_millis(5));
    let hooks = build(registry, after("login", misbehaving("hang")), &services(Echo)).unwrap();
    assert_eq!(error_of(&hooks).await.code, 504);
    assert_eq!(notes.take(), ["bad"]);
}

#[tokio::test]
async fn hook_error_reaches_the_flow_as_it_is() {
    let (hooks, _) = probed(after("login", misbehaving("refuse")));
    let error = error_of(&hooks).await;
    assert_eq!((error.code, error.reason.as_deref()), (400, Some("not today")));
}
