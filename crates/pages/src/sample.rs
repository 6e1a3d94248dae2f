//! Made-up flows with which an operator's templates are tried before anybody sees them.

use crate::error::PageError;
use crate::page::{Consent, Page, Settings, Welcome};
use crate::pages::Pages;
use serde_json::{Value, json};

/// Renders each page in each of its forms, and stops at the first that fails.
pub(crate) fn try_all(pages: &Pages) -> Result<(), PageError> {
    let page = Page {
        sign_out_url: Some("/self-service/logout?token=sample"),
        query: Some("flow=sample"),
        notice: Some("Sample"),
        now: Some(1_767_300_000),
        ..Page::default()
    };
    for flow in [flow("login"), json!({})] {
        pages.login(&flow, &page)?;
        pages.registration(&flow, &page)?;
        let session = session();
        let others = json!([session]);
        let full = Settings { flow: &flow, session: Some(&session), sessions: Some(&others), revoke_url: Some("/r") };
        pages.settings(&full, &page)?;
        pages.settings(&Settings { session: None, sessions: None, revoke_url: None, ..full }, &Page::default())?;
        pages.welcome(&Welcome { session: Some(&session), claims: Some(&session) }, &page)?;
    }
    pages.login(&test_login(), &page)?;
    pages.login(&json!({"test_context": {}}), &page)?;
    pages.registration(&flow("registration"), &page)?;
    pages.settings(&Settings { flow: &flow("settings"), session: None, sessions: None, revoke_url: None }, &page)?;
    pages.error(&json!({"id": "1", "error": {"code": 404, "id": "sample", "reason": "r", "message": "m"}}), &page)?;
    pages.error(&json!({}), &page)?;
    pages.welcome(&Welcome::default(), &page)?;
    for report in
        [Consent::Granted(Some("t".to_owned())), Consent::Refused("r".to_owned()), Consent::Nothing, Consent::Unknown]
    {
        pages.consent(&report, &page)?;
    }
    pages.logged_out(&page)?;
    pages.front_channel(&page)?;
    Ok(())
}

fn test_login() -> Value {
    json!({ "test_context": { "provider_id": "sample", "debug_payload": {
        "checks": [{ "id": "token", "ok": true, "detail": "d" }, { "id": "mapper", "ok": false, "detail": "d" }],
        "jsonnet_stderr": "m.jsonnet:1:1", "jsonnet_output": "{}", "id_token_claims": { "sub": "s" }, "traits": { "a": 1 },
        "schema_validation_errors": [{ "path": "#/traits/a", "message": "m" }],
        "changes": [{ "path": "traits.a", "kind": "changed", "before": 1, "after": 2 }],
    } } })
}

fn input(group: &str, name: &str, kind: &str, value: &str, label: (i64, &str)) -> Value {
    json!({
        "type": "input", "group": group,
        "attributes": {"name": name, "type": kind, "value": value, "disabled": false, "node_type": "input"},
        "messages": [{"id": 4_000_002, "text": "Property is missing.", "type": "error", "context": {"property": "x"}}],
        "meta": {"label": {"id": label.0, "text": label.1, "type": "info", "context": {"provider": "Sample"}}}
    })
}

fn flow(kind: &str) -> Value {
    let mut nodes = vec![input("default", "csrf_token", "hidden", "sample", (0, ""))];
    match kind {
        "settings" => {
            nodes.push(input("profile", "traits.email", "email", "a@example.org", (1_070_002, "E-Mail")));
            nodes.push(input("profile", "method", "submit", "profile", (1_070_003, "Save")));
            nodes.push(input("oidc", "link", "submit", "sample", (1_050_002, "Link Sample")));
            nodes.push(input("oidc", "unlink", "submit", "microsoft", (1_050_003, "Unlink Sample")));
        }
        "registration" => {
            nodes.push(input("default", "traits.agreed", "checkbox", "true", (1_070_002, "Agreed")));
            nodes.push(input("oidc", "provider", "submit", "microsoft", (1_040_002, "Sign up with Sample")));
            nodes.push(input("profile", "method", "submit", "profile", (1_040_001, "Sign up")));
        }
        _ => nodes.push(input("oidc", "provider", "submit", "microsoft", (1_010_002, "Sign in with Sample"))),
    }
    let messages = json!([{"id": 4_000_001, "text": "Sample", "type": "error", "context": {"reason": "Sample"}}]);
    json!({"id": "sample", "ui": {"action": "/", "method": "POST", "nodes": nodes, "messages": messages}})
}

fn session() -> Value {
    json!({
        "id": "sample", "active": true, "expires_at": "2026-01-02T03:04:05Z", "authenticated_at": "2026-01-01T03:04:05Z",
        "authenticator_assurance_level": "aal1",
        "authentication_methods": [{"method": "oidc", "provider": "microsoft"}],
        "identity": {"id": "sample", "traits": {"email": "a@example.org"}, "metadata_public": {"team": "x"}},
        "devices": [{"ip_address": "192.0.2.1", "user_agent": "Firefox/1 Linux", "location": "Berlin, DE"}]
    })
}
