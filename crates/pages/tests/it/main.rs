//! The pages at their border: JSON in, HTML out.

#[path = "../../examples/gallery/flows.rs"]
mod flows;
mod hostile;
mod html;
mod overrides;
mod structure;
mod texts;

use bia_pages::{Options, Page, PageError, Pages, Settings, Welcome};
use serde_json::{Value, json};

fn pages() -> Pages {
    Pages::new(Options { title: Some("Contoso".to_owned()), ..Options::default() }).unwrap()
}

fn page<'a>(pages: &Pages, language: &str) -> Page<'a> {
    Page {
        language: pages.language(language),
        sign_out_url: Some("/self-service/logout?token=t"),
        query: Some("flow=1&lang=de"),
        now: None,
        notice: Some("Try-out"),
    }
}

fn stored_error() -> Value {
    json!({"id": "stored-1", "created_at": "2026-03-01T09:06:00Z", "error": {"code": 403, "id": "identity_disabled",
        "message": "identity is disabled", "reason": "This account was disabled.", "request": "req-1"}})
}

/// Everything that a page can be made of, by name.
fn inputs() -> Vec<(&'static str, Value)> {
    vec![
        ("login", flows::login()),
        ("login", flows::refused()),
        ("login", flows::linking()),
        ("login", flows::identifier()),
        ("login", flows::again("refresh", json!(true))),
        ("login", flows::empty()),
        ("login", flows::test_ahead()),
        ("login", flows::test_login(false)),
        ("registration", flows::registration()),
        ("registration", flows::continuation()),
        ("settings", json!({"flow": flows::settings(), "session": flows::session(), "others": flows::others()})),
        ("error", stored_error()),
        ("welcome", json!({"session": flows::session(), "claims": flows::claims()})),
    ]
}

fn render(pages: &Pages, kind: &str, input: &Value, page: &Page<'_>) -> Result<String, PageError> {
    match kind {
        "login" => pages.login(input, page),
        "registration" => pages.registration(input, page),
        "settings" => {
            let (session, others) = (Some(&input["session"]), Some(&input["others"]));
            pages.settings(
                &Settings { flow: &input["flow"], session, sessions: others, revoke_url: Some("/ui/sessions") },
                page,
            )
        }
        "error" => pages.error(input, page),
        _ => pages.welcome(&Welcome { session: Some(&input["session"]), claims: Some(&input["claims"]) }, page),
    }
}

fn test_login(works: bool) -> Value {
    json!({ "id": "1", "test_context": { "provider_id": "microsoft", "debug_payload": {
        "checks": [
            { "id": "token", "ok": true, "detail": "The provider's answer was verified." },
            { "id": "mapper", "ok": works, "detail": "<script>alert(1)</script>" },
            { "id": "unheard-of", "ok": true, "detail": "left out" },
        ],
        "jsonnet_stderr": "--> m.jsonnet:2:3",
        "id_token_claims": { "name": "Alice" },
        "traits": { "email": "alice@contoso.example" },
        "changes": [{ "path": "traits.email", "kind": "changed", "before": "old@x.example", "after": "<b>" }],
        "changes_are_applied": true,
    } } })
}

#[test]
fn a_test_login_that_came_back_shows_its_checks_in_every_language() {
    let pages = pages();
    for (language, good, bad) in
        [("en", "It works", "Something is not right yet"), ("de", "Es funktioniert", "Etwas stimmt noch nicht")]
    {
        let view = Page { query: Some("flow=1"), ..page(&pages, language) };
        let html = pages.login(&test_login(true), &view).unwrap();
        assert!(html.contains(good) && !html.contains(bad), "{html}");
        assert!(html.contains("traits.email") && html.contains("alice@contoso.example"));
        assert!(html.contains("redact=1"), "{html}");
        assert!(!html.contains("<script>") && !html.contains("<b>") && !html.contains("left out"));
        assert!(pages.login(&test_login(false), &view).unwrap().contains(bad));
        let redacted = Page { query: Some("flow=1&redact=1"), ..view.clone() };
        let offers = |view: &Page<'_>| pages.login(&test_login(true), view).unwrap().contains("<p><a href=\"?flow=1");
        assert!(offers(&view) && !offers(&redacted));
    }
}
