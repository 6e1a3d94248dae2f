//! Calls that nobody waits for, or whose client went away.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bia_hooks::{Background, Bodies, BodyError, Moment};
use bia_model::FlowKind;
use serde_json::json;
use tokio::sync::Notify;
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::stage::{Echo, Stage, services, web_hook};
use crate::web_hook_calls::{built, received, receiver};

#[tokio::test]
async fn ignored_answer_never_fails_the_flow() {
    let server = MockServer::start().await;
    Mock::given(method("POST")).respond_with(ResponseTemplate::new(500)).mount(&server).await;
    let hooks = built("login", web_hook(&server.uri(), json!({ "response": { "ignore": true } })), &services(Echo));
    Stage::new(FlowKind::Login).run(&hooks, Moment::LoginAfter).await.unwrap();
    assert!(hooks.finish_background(Duration::from_secs(20)).await);
    assert_eq!(received(&server).await.len(), 3, "retries happen in the background, too");
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
    let hooks = built("login", web_hook(&server.uri(), json!({ "response": { "ignore": true } })), &services);
    for _ in 0..3 {
        Stage::new(FlowKind::Login).run(&hooks, Moment::LoginAfter).await.unwrap();
    }
    gate.notify_one();
    assert!(hooks.finish_background(Duration::from_secs(20)).await);
    assert_eq!(received(&server).await.len(), 1);
}

#[tokio::test]
async fn client_that_goes_away_after_the_insert_does_not_stop_the_call() {
    let server = receiver().await;
    let gate = Arc::new(Notify::new());
    let hooks = built("registration", web_hook(&server.uri(), json!({})), &services(Gated(Arc::clone(&gate))));
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
    tokio::time::timeout(Duration::from_secs(20), heard).await.expect("the receiver heard of it");
}
