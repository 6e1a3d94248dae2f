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
