//! The example as an operator meets it: named in a configuration, registered by one line.

use std::sync::Arc;

use bia_hook_example::{DOMAIN_NOT_ALLOWED, NAME, from_config};
use bia_hooks::{Effects, HookContext, HookError, Hooks, Method, Registry, RegistryError, Request, Services};
use bia_model::{ContinueWith, Flow, Identity, Timestamp};
use bia_outbound::{Outbound, Policy, Sources};
use serde_json::{Value, json};

const NOW: Timestamp = Timestamp::from_secs(1_767_225_600);

fn build(config: Value) -> Result<Hooks, RegistryError> {
    let outbound = Outbound::new(Policy::default()).expect("the system has certificates");
    let sources = Arc::new(Sources::new(outbound.clone()));
    let services = Services::new(outbound, sources, bia_mapper::Mapper::new(bia_mapper::Settings::default()));
    let flows = json!({ "registration": { "after": { "oidc": { "hooks": [
        { "hook": NAME, "config": config }, { "hook": "session" }
    ] } } } });
    let flows = serde_json::from_value(flows).expect("the flows are valid");
    Registry::new().with(NAME, from_config).build_from(&flows, &[], &services)
}

/// Registers somebody with this address; gives the identity, the effects, and what the hooks said.
async fn register(hooks: &Hooks, email: &str) -> (Identity, Effects, Result<(), HookError>) {
    let flow: Flow = serde_json::from_value(json!({
        "id": uuid(1), "kind": "registration", "type": "browser", "issued_at": NOW, "expires_at": NOW,
        "created_at": NOW, "updated_at": NOW, "request_url": "https://id.example", "state": "choose_method",
        "requested_aal": "aal1", "ui": { "action": "https://id.example", "method": "POST", "nodes": [] }
    }))
    .expect("the flow is whole");
    let mut identity: Identity = serde_json::from_value(json!({
        "id": uuid(0), "schema_id": "default", "state": "active", "traits": { "email": email },
        "metadata_public": { "tenant": "t" }, "created_at": NOW, "updated_at": NOW
    }))
    .expect("the identity is whole");
    let mut effects = Effects::default();
    let request = Request::default();
    let mut context = HookContext {
        flow: &flow,
        request: &request,
        identity: Some(&mut identity),
        session: None,
        public_url: "https://id.example",
        now: NOW,
        effects: &mut effects,
    };
    let mut result = hooks.registration_before_insert(Method::Oidc, &mut context).await;
    if result.is_ok() {
        result = hooks.registration_after_insert(Method::Oidc, &mut context).await;
    }
    (identity, effects, result)
}

fn uuid(last: u8) -> String {
    format!("00000000-0000-4000-8000-{last:012}")
}

#[tokio::test]
async fn colleague_is_registered_noted_and_welcomed() {
    let hooks =
        build(json!({ "allowed_domains": ["Contoso.example"], "welcome_url": "https://intranet.example" })).unwrap();
    let (identity, effects, result) = register(&hooks, "alice@CONTOSO.example").await;
    result.unwrap();
    assert_eq!(identity.metadata_public, Some(json!({ "tenant": "t", "company_domain": "contoso.example" })));
    let step = json!({ "action": "show_welcome", "url": "https://intranet.example" });
    assert_eq!(effects.continue_with, [ContinueWith::Other(step)]);
    assert!(effects.issue_session, "`session` still runs");
}

#[tokio::test]
async fn stranger_is_refused_on_the_field() {
    let hooks = build(json!({ "allowed_domains": ["contoso.example"] })).unwrap();
    for email in ["eve@evil.example", "eve@contoso.example@evil.example", "contoso.example", ""] {
        let (_, effects, result) = register(&hooks, email).await;
        let Err(HookError::Messages(groups)) = result else { panic!("{email} was let in") };
        assert_eq!((groups[0].pointer.as_str(), groups[0].messages[0].id), ("#/traits/email", DOMAIN_NOT_ALLOWED));
        assert!(!effects.issue_session && effects.continue_with.is_empty());
    }
}

#[test]
fn wrong_settings_are_refused_at_start_by_name() {
    for config in
        [json!({}), json!({ "allowed_domains": [] }), json!({ "allowed_domains": ["a"], "typo": 1 }), Value::Null]
    {
        let text = build(config).err().expect("the settings are refused").to_string();
        assert!(text.contains("company_policy") && text.contains("allowed_domains"), "{text}");
    }
}
