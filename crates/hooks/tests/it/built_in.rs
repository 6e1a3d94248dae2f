//! `session`, `revoke_active_sessions` and `require_verified_address`.

use bia_hooks::{HookError, Moment};
use bia_model::FlowKind;
use serde_json::json;

use crate::stage::{Stage, after, probed};

#[tokio::test]
async fn revoke_active_sessions_asks_for_it_after_a_login() {
    let (hooks, _) = probed(after("login", json!([{ "hook": "revoke_active_sessions" }])));
    let mut stage = Stage::new(FlowKind::Login);
    stage.run(&hooks, Moment::LoginAfter).await.unwrap();
    assert!(stage.effects.revoke_other_sessions);
}

#[tokio::test]
async fn revoke_active_sessions_waits_until_settings_are_saved() {
    let (hooks, _) = probed(after("settings", json!([{ "hook": "revoke_active_sessions" }])));
    let mut stage = Stage::new(FlowKind::Settings);
    stage.run(&hooks, Moment::SettingsBeforeSave).await.unwrap();
    assert!(!stage.effects.revoke_other_sessions);
    stage.run(&hooks, Moment::SettingsAfterSave).await.unwrap();
    assert!(stage.effects.revoke_other_sessions);
}

async fn login(mut stage: Stage) -> Result<(), HookError> {
    let (hooks, _) = probed(after("login", json!([{ "hook": "require_verified_address" }])));
    stage.run(&hooks, Moment::LoginAfter).await
}

#[tokio::test]
async fn person_with_one_verified_address_signs_in() {
    login(Stage::new(FlowKind::Login).with_address(false).with_address(true)).await.unwrap();
}

#[tokio::test]
async fn person_without_a_verified_address_is_told_in_the_form() {
    let HookError::Messages(groups) = login(Stage::new(FlowKind::Login).with_address(false)).await.unwrap_err() else {
        panic!("expected messages");
    };
    assert_eq!(groups[0].pointer, "");
    assert_eq!(groups[0].messages[0].id, 4_000_010);
}

#[tokio::test]
async fn program_without_a_verified_address_gets_the_error_by_its_id() {
    let mut stage = Stage::new(FlowKind::Login).with_address(false);
    stage.request.headers = vec![("Accept".to_owned(), "application/json".to_owned())];
    let HookError::Api(error) = login(stage).await.unwrap_err() else {
        panic!("expected an API error");
    };
    assert_eq!((error.code, error.id.as_deref()), (403, Some("session_verified_address_required")));
}

#[tokio::test]
async fn person_without_any_address_shows_a_misconfiguration() {
    let HookError::Api(error) = login(Stage::new(FlowKind::Login)).await.unwrap_err() else {
        panic!("expected an API error");
    };
    assert_eq!((error.code, error.id.as_deref()), (500, Some("invalid_configuration")));
}
