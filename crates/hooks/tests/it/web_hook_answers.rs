//! What a web hook makes of an answer.

use bia_hooks::{HookError, Moment, Registry};
use bia_model::{ApiError, FlowKind, IdentityState, MessageType};
use serde_json::{Value, json};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::stage::{Fixed, Stage, after, build, services, web_hook};

/// Runs a hook of a registration against a receiver that answers like this.
async fn answered(answer: ResponseTemplate, more: Value) -> (Stage, Result<(), HookError>) {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(answer).mount(&server).await;
    let hook = web_hook(&server.uri(), more);
    let hooks = build(Registry::new(), after("registration", json!([hook])), &services(Fixed(Ok("{}")))).unwrap();
    let mut stage = Stage::new(FlowKind::Registration);
    let mut result = stage.run(&hooks, Moment::RegistrationBeforeInsert).await;
    if result.is_ok() {
        result = stage.run(&hooks, Moment::RegistrationAfterInsert).await;
    }
    (stage, result)
}

fn parse() -> Value {
    json!({ "response": { "parse": true } })
}

fn api(result: Result<(), HookError>) -> ApiError {
    match result {
        Err(HookError::Api(error)) => *error,
        other => panic!("expected an API error, got {other:?}"),
    }
}

#[tokio::test]
async fn messages_of_a_refusal_reach_their_fields() {
    let body = json!({ "messages": [
        { "instance_ptr": "#/traits/email", "messages": [
            { "id": 4242, "text": "This address is not welcome", "type": "error", "context": { "reason": "policy" } },
            { "id": 4243, "text": "Ask your administrator", "type": "hint" }
        ] },
        { "messages": [{ "id": 4244, "text": "Nobody may register today", "type": "error" }] }
    ] });
    for more in [parse(), json!({ "can_interrupt": true })] {
        let (_, result) = answered(ResponseTemplate::new(403).set_body_json(&body), more).await;
        let Err(HookError::Messages(groups)) = result else { panic!("expected messages") };
        assert_eq!(groups.iter().map(|group| group.pointer.as_str()).collect::<Vec<_>>(), ["#/traits/email", ""]);
        let [first, second] = groups[0].messages.as_slice() else { panic!("two messages") };
        assert_eq!((first.id, first.message_type), (4242, MessageType::Error));
        assert_eq!(first.context, Some(json!({ "reason": "policy" })));
        assert_eq!((second.message_type, &second.context), (MessageType::Info, &None));
        assert_eq!(groups[1].messages[0].id, 4244);
    }
}

#[tokio::test]
async fn refusal_without_messages_is_an_error_of_its_own() {
    let (_, result) = answered(ResponseTemplate::new(403).set_body_json(json!({})), parse()).await;
    let error = api(result);
    assert_eq!(error.code, 500);
    assert_eq!(error.message, "error while parsing webhook response: got no validation errors");
}

#[tokio::test]
async fn flood_of_messages_is_cut() {
    let group = json!({ "messages": vec![json!({ "id": 1, "text": "x", "type": "error" }); 80] });
    let body = json!({ "messages": vec![group; 10] });
    let (_, result) = answered(ResponseTemplate::new(400).set_body_json(body), parse()).await;
    let Err(HookError::Messages(groups)) = result else { panic!("expected messages") };
    assert_eq!(groups.iter().map(|group| group.messages.len()).sum::<usize>(), 100);
}

#[tokio::test]
async fn refusal_that_nobody_parses_is_a_502() {
    let (_, result) = answered(ResponseTemplate::new(403).set_body_string("hunter2"), json!({})).await;
    let error = api(result);
    assert_eq!(error.code, 502);
    assert_eq!(error.message, "webhook failed with status code 403");
    assert_eq!(
        error.reason.as_deref(),
        Some("A third-party upstream service responded improperly. Please try again later.")
    );
}

#[tokio::test]
async fn parsed_answer_replaces_what_it_names() {
    let body = json!({ "identity": {
        "traits": { "email": "a@b.example", "name": { "first": "Hooked" } },
        "schema_id": "other", "state": "inactive", "external_id": "ext-1",
        "metadata_public": { "from": "hook" }, "metadata_admin": { "secret": true },
        "verifiable_addresses": [{ "value": "a@b.example", "via": "email", "verified": true }],
        "recovery_addresses": [{ "value": "a@b.example", "via": "email" }],
        "verified_addresses": [], "id": 5
    } });
    let (stage, result) = answered(ResponseTemplate::new(200).set_body_json(body), parse()).await;
    result.unwrap();
    let identity = stage.identity;
    assert_eq!(identity.id, crate::stage::ID, "the id is not theirs to change");
    assert_eq!(identity.traits["name"]["first"], "Hooked");
    assert_eq!((identity.schema_id.as_str(), identity.state), ("other", IdentityState::Inactive));
    assert_eq!(identity.external_id.as_deref(), Some("ext-1"));
    assert_eq!(identity.metadata_public, Some(json!({ "from": "hook" })));
    assert_eq!(identity.metadata_admin, Some(json!({ "secret": true })));
    assert_eq!(
        (identity.verifiable_addresses[0].verified, identity.verifiable_addresses[0].status.as_str()),
        (true, "completed")
    );
    assert_eq!(identity.recovery_addresses[0].value, "a@b.example");
}

#[tokio::test]
async fn empty_or_absent_parts_of_an_answer_change_nothing() {
    let before = Stage::new(FlowKind::Registration).identity;
    let empty = json!({ "identity": { "schema_id": "", "state": "", "verifiable_addresses": [], "traits": null } });
    for body in [empty, json!({ "identity": null }), json!({}), json!({ "identity": {} })] {
        let (stage, result) = answered(ResponseTemplate::new(200).set_body_json(body), parse()).await;
        result.unwrap();
        assert_eq!(stage.identity, before);
    }
}

#[tokio::test]
async fn empty_external_id_and_null_metadata_clear() {
    let body = json!({ "identity": { "external_id": "", "metadata_admin": null } });
    let (stage, result) = answered(ResponseTemplate::new(200).set_body_json(body), parse()).await;
    result.unwrap();
    assert_eq!((stage.identity.external_id, stage.identity.metadata_admin), (None, None));
}

#[tokio::test]
async fn answers_that_say_nothing_are_fine() {
    let before = Stage::new(FlowKind::Registration).identity;
    let changing = json!({ "identity": { "traits": { "email": "other@b.example" } } });
    for (answer, more) in [
        (ResponseTemplate::new(204), parse()),
        (ResponseTemplate::new(201).set_body_json(&changing), parse()),
        (ResponseTemplate::new(304), parse()),
        (ResponseTemplate::new(200).set_body_json(&changing), json!({ "can_interrupt": true })),
        (ResponseTemplate::new(200).set_body_json(&changing), json!({})),
        (ResponseTemplate::new(200).set_body_string("not JSON"), json!({})),
    ] {
        let (stage, result) = answered(answer, more).await;
        result.unwrap();
        assert_eq!(stage.identity, before);
    }
}

#[tokio::test]
async fn broken_json_is_an_error_that_quotes_nothing() {
    for (body, expected) in [
        ("{", "webhook response could not be unmarshalled properly from JSON: unexpected end of JSON input"),
        (r#"{"identity":{"schema_id":["hunter2"]}}"#, "webhook response could not be unmarshalled properly from JSON"),
        (r#"{"identity":{"state":"hunter2"}}"#, "webhook response has an identity state"),
    ] {
        let (stage, result) = answered(ResponseTemplate::new(200).set_body_string(body), parse()).await;
        let error = api(result);
        assert_eq!(error.code, 500);
        assert!(error.message.starts_with(expected), "{}", error.message);
        assert!(!format!("{error:?}").contains("hunter2"));
        assert_eq!(stage.identity, Stage::new(FlowKind::Registration).identity);
    }
}
