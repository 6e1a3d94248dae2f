//! Writes every page to a folder, so that it can be looked at: `cargo run -p bia-pages --example gallery -- <dir>`.
//!
//! Each page is there in English and German, light and dark, with its stylesheet beside it.

mod flows;

use bia_pages::{Consent, Options, Page, PageError, Pages, Settings, Theme, Welcome};
use serde_json::json;
use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args_os().nth(1).ok_or("which folder? cargo run -p bia-pages --example gallery -- <dir>")?;
    let folder = Path::new(&folder);
    for (name, theme) in [("light", Theme::Light), ("dark", Theme::Dark)] {
        let pages = Pages::new(Options {
            title: Some("Contoso".to_owned()),
            theme,
            provider_labels: [("microsoft".to_owned(), "Microsoft".to_owned())].into(),
            ui_url: ".".to_owned(),
            ..Options::default()
        })?;
        for language in ["en", "de"] {
            let folder = folder.join(format!("{name}-{language}"));
            std::fs::create_dir_all(folder.join("assets"))?;
            for (page, html) in render(&pages, language)? {
                // Opened from the disk, a browser looks for a file with this very name.
                std::fs::write(folder.join(format!("{page}.html")), html)?;
            }
            for asset in ["style.css", "icon.svg"] {
                let bytes = pages.asset(asset).ok_or("an asset is missing")?.bytes;
                std::fs::write(folder.join("assets").join(asset), bytes)?;
            }
        }
    }
    Ok(())
}

/// 2026-03-01T10:50:00Z, some time after everything in the flows.
const NOW: i64 = 1_772_362_200;

fn render(pages: &Pages, language: &str) -> Result<Vec<(&'static str, String)>, PageError> {
    let page = Page {
        language: pages.language(language),
        sign_out_url: Some("/self-service/logout?token=x"),
        query: Some("flow=1"),
        now: Some(NOW),
        notice: None,
    };
    let (session, others, claims) = (flows::session(), flows::others(), flows::claims());
    let settings = flows::settings();
    let stored = json!({"id": "8d1f4a52-9a0e-4a3b-9f1e-2d6c3c1f7a10", "created_at": "2026-03-01T09:06:00Z", "error": {
        "code": 403, "id": "security_csrf_violation", "message": "the request was rejected to protect you from Cross-Site-Request-Forgery",
        "reason": "Please retry the flow and optionally clear your cookies.", "request": "b5e6c0"}});
    let plain = json!({"error": {"code": 400, "message": "The request was malformed or contained invalid parameters",
        "reason": "Requested return_to URL \"https://evil.example\" is not allowed."}});
    Ok(vec![
        ("login", pages.login(&flows::login(), &page)?),
        (
            "login-refused",
            pages.login(
                &flows::refused(),
                &Page { notice: Some("This is a try-out: nobody's real account is used."), ..page.clone() },
            )?,
        ),
        ("login-identifier", pages.login(&flows::identifier(), &page)?),
        ("login-refresh", pages.login(&flows::again("refresh", json!(true)), &page)?),
        ("login-second-factor", pages.login(&flows::again("requested_aal", json!("aal2")), &page)?),
        ("login-empty", pages.login(&flows::empty(), &page)?),
        ("login-test", pages.login(&flows::test_ahead(), &page)?),
        ("login-test-good", pages.login(&flows::test_login(true), &page)?),
        ("login-test-bad", pages.login(&flows::test_login(false), &page)?),
        ("login-link", pages.login(&flows::linking(), &page)?),
        ("registration", pages.registration(&flows::registration(), &page)?),
        ("registration-continue", pages.registration(&flows::continuation(), &page)?),
        (
            "settings",
            pages.settings(
                &Settings {
                    flow: &settings,
                    session: Some(&session),
                    sessions: Some(&others),
                    revoke_url: Some("/ui/sessions"),
                },
                &page,
            )?,
        ),
        ("welcome", pages.welcome(&Welcome { session: Some(&session), claims: Some(&claims) }, &page)?),
        ("welcome-out", pages.welcome(&Welcome::default(), &page)?),
        ("error", pages.error(&stored, &page)?),
        ("error-plain", pages.error(&plain, &page)?),
        (
            "consent-granted",
            pages.consent(&Consent::Granted(Some("8eaef023-2b34-4da1-9baa-8bc8c9d6a490".to_owned())), &page)?,
        ),
        ("consent-refused", pages.consent(&Consent::Refused(r#"Unable to complete OpenID Connect flow because the OpenID Provider returned error "access_denied". You declined the request for consent."#.to_owned()), &page)?),
        ("consent-nothing", pages.consent(&Consent::Nothing, &page)?),
        ("logged-out", pages.logged_out(&page)?),
        ("front-channel", pages.front_channel(&page)?),
    ])
}
