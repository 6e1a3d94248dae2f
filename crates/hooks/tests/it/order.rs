//! Which list runs, in which order, and how often (contract §6.2).

use bia_hooks::{Moment, Registry, RegistryError};
use bia_model::FlowKind;
use serde_json::json;

use crate::stage::{Echo, Notes, Stage, after, build, probe_registry, probed, services};

fn probe(label: &str) -> serde_json::Value {
    json!({ "hook": "probe", "config": { "label": label } })
}

#[tokio::test]
async fn method_list_replaces_the_global_one() {
    let (hooks, notes) = probed(json!({ "login": { "after": {
        "hooks": [probe("global")], "oidc": { "hooks": [probe("first"), probe("second")] } } } }));
    Stage::new(FlowKind::Login).run(&hooks, Moment::LoginAfter).await.unwrap();
    assert_eq!(notes.take(), ["first", "second"]);
}

#[tokio::test]
async fn empty_method_list_falls_back_to_the_global_one() {
    let (hooks, notes) =
        probed(json!({ "login": { "after": { "hooks": [probe("global")], "oidc": { "hooks": [] } } } }));
    Stage::new(FlowKind::Login).run(&hooks, Moment::LoginAfter).await.unwrap();
    assert_eq!(notes.take(), ["global"]);
}

#[tokio::test]
async fn list_whose_hooks_cannot_run_here_counts_as_empty() {
    let own = json!([{ "hook": "session" }, { "hook": "b2b_sso" }]);
    let (hooks, notes) =
        probed(json!({ "login": { "after": { "hooks": [probe("global")], "oidc": { "hooks": own } } } }));
    let mut stage = Stage::new(FlowKind::Login);
    stage.run(&hooks, Moment::LoginAfter).await.unwrap();
    assert_eq!(notes.take(), ["global"]);
    assert!(!stage.effects.issue_session, "`session` under login is passed over");
}

#[tokio::test]
async fn mail_hook_that_does_nothing_still_fills_its_list() {
    let own = json!([{ "hook": "show_verification_ui" }]);
    let (hooks, notes) =
        probed(json!({ "registration": { "after": { "hooks": [probe("global")], "oidc": { "hooks": own } } } }));
    Stage::new(FlowKind::Registration).run(&hooks, Moment::RegistrationAfterInsert).await.unwrap();
    assert!(notes.take().is_empty());
}

#[tokio::test]
async fn method_list_that_runs_before_the_insert_also_replaces_the_global_one_after_it() {
    let own = json!([{ "hook": "probe", "config": { "label": "own", "at": "RegistrationBeforeInsert" } }]);
    let (hooks, notes) =
        probed(json!({ "registration": { "after": { "hooks": [probe("global")], "oidc": { "hooks": own } } } }));
    let mut stage = Stage::new(FlowKind::Registration);
    stage.run(&hooks, Moment::RegistrationBeforeInsert).await.unwrap();
    stage.run(&hooks, Moment::RegistrationAfterInsert).await.unwrap();
    assert_eq!(notes.take(), ["own"]);
}

#[tokio::test]
async fn session_comes_last_wherever_it_is_listed() {
    let own = json!([{ "hook": "session" }, probe("first"), probe("second")]);
    let (hooks, notes) = probed(after("registration", own));
    let mut stage = Stage::new(FlowKind::Registration);
    stage.run(&hooks, Moment::RegistrationAfterInsert).await.unwrap();
    assert_eq!(notes.take(), ["first", "second"]);
    assert!(stage.effects.issue_session);
}

#[tokio::test]
async fn without_the_session_hook_a_registration_gets_no_session() {
    let (hooks, _) = probed(after("registration", json!([])));
    let mut stage = Stage::new(FlowKind::Registration);
    stage.run(&hooks, Moment::RegistrationAfterInsert).await.unwrap();
    assert!(!stage.effects.issue_session);
}

#[tokio::test]
async fn each_hook_runs_once_at_each_of_its_moments_and_nowhere_else() {
    let (hooks, notes) = probed(json!({
        "login": { "before": { "hooks": [probe("login before")] }, "after": { "hooks": [probe("login")] } },
        "registration": { "before": { "hooks": [probe("registration before")] }, "after": { "hooks": [probe("registration")] } },
        "settings": { "before": { "hooks": [probe("settings before")] }, "after": { "oidc": { "hooks": [probe("settings")] } } }
    }));
    let expected = [
        (FlowKind::Login, Moment::Before(FlowKind::Login), "login before"),
        (FlowKind::Login, Moment::LoginAfter, "login"),
        (FlowKind::Registration, Moment::Before(FlowKind::Registration), "registration before"),
        (FlowKind::Registration, Moment::RegistrationBeforeInsert, "registration"),
        (FlowKind::Registration, Moment::RegistrationAfterInsert, "registration"),
        (FlowKind::Settings, Moment::Before(FlowKind::Settings), "settings before"),
        (FlowKind::Settings, Moment::SettingsBeforeSave, "settings"),
        (FlowKind::Settings, Moment::SettingsAfterSave, "settings"),
    ];
    for (kind, moment, label) in expected {
        Stage::new(kind).run(&hooks, moment).await.unwrap();
        assert_eq!(notes.take(), [label], "{moment:?}");
    }
}

#[tokio::test]
async fn linking_and_the_profile_form_have_lists_of_their_own() {
    use bia_hooks::{Effects, HookContext, Method};
    let (hooks, notes) = probed(json!({ "settings": { "after": {
        "oidc": { "hooks": [probe("link")] }, "profile": { "hooks": [probe("profile")] } } } }));
    let stage = Stage::new(FlowKind::Settings);
    for (method, label) in [(Method::Oidc, "link"), (Method::Profile, "profile")] {
        let mut context = HookContext {
            flow: &stage.flow,
            request: &stage.request,
            identity: None,
            session: None,
            public_url: "https://id.example",
            now: crate::stage::NOW,
            effects: &mut Effects::default(),
        };
        hooks.settings_after_save(method, &mut context).await.unwrap();
        assert_eq!(notes.take(), [label]);
    }
}

#[tokio::test]
async fn first_refusal_ends_the_list() {
    let refusing = json!({ "hook": "probe", "config": { "label": "second", "refuse": true } });
    let (hooks, notes) = probed(after("login", json!([probe("first"), refusing, probe("third")])));
    Stage::new(FlowKind::Login).run(&hooks, Moment::LoginAfter).await.unwrap_err();
    assert_eq!(notes.take(), ["first", "second"]);
}

#[tokio::test]
async fn unknown_hook_is_refused_with_its_place_and_the_known_names() {
    let error = build(Registry::new(), after("login", json!([{ "hook": "probee" }])), &services(Echo)).err().unwrap();
    let text = error.to_string();
    assert!(text.contains("selfservice.flows.login.after.oidc.hooks[0]") && text.contains("`probee`"), "{text}");
    assert!(text.contains("require_verified_address"), "{text}");
}

#[tokio::test]
async fn settings_that_a_third_party_hook_refuses_are_refused_at_start() {
    let error = build(
        probe_registry(&Notes::default()),
        after("login", json!([{ "hook": "probe", "config": { "secret": "hunter2" } }])),
        &services(Echo),
    )
    .err()
    .unwrap();
    assert!(
        matches!(&error, RegistryError::Settings { name, why, .. } if name == "probe" && why == "`label` is missing")
    );
    assert!(!error.to_string().contains("hunter2"));
}

#[tokio::test]
async fn names_of_built_in_hooks_are_taken() {
    let registry = Registry::new().with("session", |_| Err("never called".to_owned()));
    let error = build(registry, json!({}), &services(Echo)).err().unwrap();
    assert_eq!(error, RegistryError::NameTaken { name: "session".to_owned() });
    let notes = Notes::default();
    let twice = probe_registry(&notes).with("probe", |_| Err("never called".to_owned()));
    assert_eq!(twice.names(), ["probe"]);
    assert!(build(twice, json!({}), &services(Echo)).is_err());
}

#[tokio::test]
async fn hooks_that_do_nothing_are_named_once_at_start() {
    let (hooks, _) = probed(json!({
        "login": { "after": { "oidc": { "hooks": [{ "hook": "require_verified_address" }, { "hook": "b2b_sso" }, { "hook": "session" }] } } },
        "registration": { "after": { "oidc": { "hooks": [{ "hook": "session" }, { "hook": "show_verification_ui" }] } } }
    }));
    let warnings = hooks.warnings();
    assert_eq!(warnings.len(), 4, "{warnings:#?}");
    for name in ["require_verified_address", "b2b_sso", "session", "show_verification_ui"] {
        assert_eq!(warnings.iter().filter(|warning| warning.contains(&format!("`{name}`"))).count(), 1, "{name}");
    }
}
