//! The catalogues: complete, and in step with each other and with the model's messages.

use crate::pages;
use bia_model::{FlowKind, Message, Timestamp};
use bia_pages::Page;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const ENGLISH: &str = include_str!("../../languages/en.json");
const GERMAN: &str = include_str!("../../languages/de.json");

fn keys(text: &str, part: &str) -> BTreeSet<String> {
    let catalogue: Value = serde_json::from_str(text).unwrap();
    catalogue[part].as_object().unwrap().keys().cloned().collect()
}

/// The numbers that the model names.
fn message_ids() -> BTreeSet<String> {
    let source = include_str!("../../../model/src/message.rs");
    let numbers = source.lines().filter_map(|line| line.trim().strip_prefix("pub const ")?.split_once(": i64 = "));
    numbers.map(|(_, number)| number.trim_end_matches(';').replace('_', "")).collect()
}

#[test]
fn every_message_of_the_model_has_a_text_in_both_languages() {
    let ids = message_ids();
    assert!(ids.len() > 50, "{ids:?}");
    for (name, catalogue) in [("English", ENGLISH), ("German", GERMAN)] {
        let missing: Vec<_> = ids.difference(&keys(catalogue, "messages")).cloned().collect();
        assert!(missing.is_empty(), "{name} lacks {missing:?}");
    }
}

#[test]
fn both_languages_have_the_same_texts_with_the_same_gaps() {
    let (english, german): (Value, Value) =
        (serde_json::from_str(ENGLISH).unwrap(), serde_json::from_str(GERMAN).unwrap());
    for part in ["texts", "messages"] {
        assert_eq!(keys(ENGLISH, part), keys(GERMAN, part));
        for (key, text) in english[part].as_object().unwrap() {
            assert_eq!(gaps(text), gaps(&german[part][key]), "{key}");
        }
    }
}

fn gaps(text: &Value) -> BTreeSet<String> {
    let parts = text.as_str().unwrap().split('{').skip(1);
    parts.map(|part| part.split('}').next().unwrap().to_owned()).collect()
}

#[test]
fn texts_that_templates_ask_for_exist() {
    let known = keys(ENGLISH, "texts");
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/templates");
    let mut asked = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let source = std::fs::read_to_string(file.unwrap().path()).unwrap();
        for key in source.split("t('").skip(1).map(|rest| rest.split('\'').next().unwrap()) {
            // `'login.title.' ~ kind` is completed at run time; each kind has a test.
            assert!(known.contains(key) || key.ends_with('.'), "{key}");
            asked += 1;
        }
    }
    assert!(asked > 50);
}

fn shown(message: &Message, language: &str) -> String {
    let pages = pages();
    let flow = json!({"ui": {"action": "/x", "nodes": [], "messages": [message]}});
    let page = Page { language: pages.language(language), ..Page::default() };
    let html = pages.login(&flow, &page).unwrap();
    let start = html.find(&format!("data-id=\"{}\">", message.id)).expect("the message is shown");
    let text = html[start..].split_once('>').unwrap().1.split("</p>").next().unwrap();
    crate::html::unescape(text)
}

#[test]
fn messages_of_the_model_fill_the_gaps_of_both_languages() {
    let list = ["oidc".to_owned()];
    let now = Timestamp::from_secs(1_000);
    for (message, german) in [
        (Message::sign_in_with("Contoso", "c"), "Mit Contoso anmelden"),
        (Message::confirm_with("Contoso"), "Mit Contoso bestätigen"),
        (Message::unlink("Contoso"), "Contoso trennen"),
        (Message::trait_label("First Name", "traits.first"), "Vorname"),
        (Message::trait_label("Shoe size", "traits.shoe"), "Shoe size"),
        (Message::generic("own words"), "own words"),
        (Message::min_length(3, 1), "Zu kurz: mindestens 3 Zeichen."),
        (Message::maximum(1.5, 2.0), "Darf höchstens 1.5 sein."),
        (Message::wrong_type(&["string".to_owned(), "null".to_owned()], "number"), "Erwartet: Text, nichts."),
        (
            Message::flow_expired(FlowKind::Login, now, now),
            "Es hat zu lange gedauert, die Seite ist abgelaufen. Bitte versuchen Sie es erneut.",
        ),
        (
            Message::duplicate_credentials_with_hints(&list, &list, "a@b.example"),
            "a@b.example wird schon von einem anderen Konto verwendet. Sie können sich anmelden mit Ihrem Konto bei einem Anbieter. Anbieter: oidc.",
        ),
        (
            Message::link_account("a@b.example", "Contoso", "https://x.example", &list, &list),
            "a@b.example wird schon von einem anderen Konto verwendet. Wenn es Ihres ist, melden Sie sich wie gewohnt an; Ihr Konto bei Contoso wird dann damit verknüpft.",
        ),
    ] {
        assert_eq!(shown(&message, "de"), german);
        assert!(!shown(&message, "en").contains(['{', '[']));
    }
}

#[test]
fn refusals_of_the_server_are_told_in_german_sentence_by_sentence() {
    let denied =
        r#"Unable to complete OpenID Connect flow because the OpenID Provider returned error "consent_required"."#;
    let consent = "This application still needs your consent or that of your administrator. It asks for: openid, profile. \
        An administrator can grant this for the whole organization at https://login.example/x?y=1&z=a b";
    let german = "Der Anbieter hat die Anmeldung nicht abgeschlossen (Fehler „consent_required“). Diese Anwendung braucht noch \
        Ihre Zustimmung oder die Ihrer Administration. Sie bittet um: openid, profile. Die Administration kann das für die \
        ganze Organisation erteilen: https://login.example/x?y=1&z=a b";
    assert_eq!(shown(&Message::generic(&format!("{denied} {consent}")), "de"), german);
    assert_eq!(shown(&Message::generic(&format!("{denied} {consent}")), "en"), format!("{denied} {consent}"));
    // Somebody's own sentence, as of a mapper that denies, keeps the whole text as it came.
    let own = format!("{denied} Ask Bob.");
    assert_eq!(shown(&Message::generic(&own), "de"), own);
    let hostile = Message::generic(r#"Requested return_to URL "<b>{provider}</b>" is not allowed."#);
    assert_eq!(shown(&hostile, "de"), "Der Rückweg zu „<b>{provider}</b>“ ist nicht erlaubt.");
}

#[test]
fn the_error_page_says_in_german_what_it_has_no_page_for_and_keeps_the_words_for_support() {
    let pages = pages();
    let reason = "Your groups could not be read, so the sign-in was stopped. Please try again later.";
    let page = Page { language: pages.language("de"), ..Page::default() };
    let html = crate::html::unescape(&pages.error(&json!({"error": {"code": 502, "reason": reason}}), &page).unwrap());
    assert!(html.contains("Ihre Gruppen waren nicht lesbar, deshalb wurde die Anmeldung gestoppt."), "{html}");
    assert_eq!(html.matches(reason).count(), 1, "{html}");
}

#[test]
fn an_unknown_message_shows_the_text_that_came_with_it() {
    let message = Message::error(4_999_999, "Said by a <web hook>.");
    for language in ["en", "de"] {
        assert_eq!(shown(&message, language), "Said by a <web hook>.");
    }
}

#[test]
fn the_browsers_languages_decide_and_english_is_the_fallback() {
    let pages = pages();
    assert_eq!(pages.language("de-AT,de;q=0.9,en;q=0.8").tag(), Some("de"));
    assert_eq!(pages.language("fr-FR, en;q=0.5").tag(), Some("en"));
    assert_eq!(pages.language("").tag(), Some("en"));
    assert_eq!(pages.language_named("DE").unwrap().tag(), Some("de"));
    assert_eq!(pages.language_named("../x"), None);
}
