//! What each page consists of.

use crate::html::{Tag, assert_accessible, assert_harmless, tags};
use crate::{flows, inputs, page, pages, render, stored_error};
use bia_pages::{CSP, Options, Page, Pages, Settings, Theme, Welcome};
use serde_json::{Value, json};

fn buttons(html: &str) -> Vec<Tag> {
    tags(&html.replace("<br>", "<br/>")).into_iter().filter(|tag| tag.name == "button").collect()
}

fn position(html: &str, what: &str) -> usize {
    html.find(what).unwrap_or_else(|| panic!("{what} is missing in {html}"))
}

#[test]
fn every_page_is_well_formed_accessible_and_in_its_language() {
    let pages = pages();
    for language in ["en", "de"] {
        let page = page(&pages, language);
        let mut all: Vec<(String, String)> = inputs()
            .into_iter()
            .map(|(kind, input)| (format!("{kind} {language}"), render(&pages, kind, &input, &page).unwrap()))
            .collect();
        all.push(("out".into(), pages.welcome(&Welcome::default(), &page).unwrap()));
        all.push(("logged out".into(), pages.logged_out(&page).unwrap()));
        all.push(("front channel".into(), pages.front_channel(&page).unwrap()));
        for (name, html) in all {
            assert_accessible(&html, &name);
            assert_harmless(&html, &name);
            assert!(html.contains(&format!("<html lang=\"{language}\" dir=\"ltr\"")), "{name}");
        }
    }
}

#[test]
fn a_login_posts_provider_and_csrf_token_to_the_flows_action() {
    let pages = pages();
    let html = pages.login(&flows::login(), &Page::default()).unwrap();
    let all = tags(&html);
    let form = all.iter().find(|tag| tag.name == "form").unwrap();
    assert!(form.is("action", "/self-service/login?flow=1") && form.is("method", "post"));
    assert!(
        all.iter().any(|tag| tag.is("type", "hidden") && tag.is("name", "csrf_token") && tag.is("value", "bWFza2Vk"))
    );
    let values: Vec<_> = buttons(&html).iter().map(|tag| tag.get("value").unwrap().to_owned()).collect();
    assert_eq!(values, ["microsoft", "google", "github", "gitlab", "apple", "contoso"]);
    let sign_up = "/self-service/registration/browser?return_to=https%3A%2F%2Fapp.example%2F";
    assert!(all.iter().any(|tag| tag.is("href", sign_up)), "the way back is kept");
}

#[test]
fn microsofts_button_bears_the_four_squares_and_the_others_do_not() {
    let html = pages().login(&flows::login(), &Page::default()).unwrap();
    for colour in ["#f25022", "#7fba00", "#00a4ef", "#ffb900"] {
        assert_eq!(html.matches(colour).count(), 1, "{colour}");
    }
    assert!(buttons(&html)[0].is("class", "provider microsoft"));
    let css = String::from_utf8(pages().asset("style.css").unwrap().bytes.to_vec()).unwrap();
    let rule = &css[position(&css, ".provider.microsoft {")..];
    assert!(rule.contains("min-height: 41px") && rule.contains("\"Segoe UI\""));
}

#[test]
fn a_provider_id_of_ones_own_gets_microsofts_button_by_the_map() {
    let options =
        Options { provider_kinds: [("contoso".to_owned(), "microsoft".to_owned())].into(), ..Options::default() };
    let html = Pages::new(options).unwrap().login(&flows::login(), &Page::default()).unwrap();
    assert!(buttons(&html).iter().any(|b| b.is("value", "contoso") && b.is("class", "provider microsoft")));
}

#[test]
fn registration_lets_enter_press_sign_up_and_providers_skip_the_fields() {
    let html = pages().registration(&flows::registration(), &Page::default()).unwrap();
    let buttons = buttons(&html);
    assert!(buttons[0].is("name", "method") && buttons[0].is("class", "unseen"));
    assert!(buttons.iter().filter(|b| b.is("name", "provider")).all(|b| b.get("formnovalidate").is_some()));
    assert!(position(&html, "value=\"google\"") < position(&html, "traits.email"));
}

#[test]
fn continuation_puts_its_button_after_the_fields_and_checks_them() {
    let html = pages().registration(&flows::continuation(), &Page::default()).unwrap();
    let buttons = buttons(&html);
    assert_eq!(buttons.len(), 1);
    assert!(buttons[0].is("name", "provider") && buttons[0].get("formnovalidate").is_none());
    assert!(position(&html, "traits.newsletter") < position(&html, "value=\"microsoft\""));
    assert!(html.contains("Almost done"));
}

#[test]
fn a_refused_field_is_marked_and_tied_to_its_message() {
    let html = pages().registration(&flows::continuation(), &Page::default()).unwrap();
    let all = tags(&html);
    let field = all.iter().find(|tag| tag.is("name", "traits.name.last")).unwrap();
    assert!(field.is("aria-invalid", "true"));
    let id = field.get("aria-describedby").unwrap().trim();
    let messages = &html[position(&html, &format!("id=\"{id}\""))..];
    assert!(messages.contains("role=\"alert\"") && messages.contains("Please fill in this field."));
}

#[test]
fn fields_follow_their_nodes() {
    let html = pages().registration(&flows::continuation(), &Page::default()).unwrap();
    let all = tags(&html);
    let named = |name: &str| all.iter().filter(|tag| tag.is("name", name)).collect::<Vec<_>>();
    assert!(named("traits.email")[0].is("type", "email") && named("traits.email")[0].get("required").is_some());
    assert!(named("traits.name.first")[0].is("autocomplete", "given-name"));
    assert!(named("traits.employee_number")[0].get("disabled").is_some());
    let newsletter = named("traits.newsletter");
    assert!(
        newsletter[0].is("value", "false") && newsletter[1].get("checked").is_some(),
        "the hidden false comes first"
    );
    assert_eq!(named("traits.country")[0].name, "select");
    assert!(all.iter().any(|tag| tag.is("value", "DE") && tag.get("selected").is_some()));
}

fn one_node(node: Value) -> Value {
    json!({"ui": {"action": "/x", "method": "POST", "nodes": [node]}})
}

#[test]
fn nodes_that_nobody_knows_are_shown_by_their_text() {
    let pages = pages();
    let label = json!({"label": {"id": 99, "text": "Shown label", "type": "info"}});
    for (kind, attributes) in [
        ("text", json!({"text": {"id": 98, "text": "Shown text"}})),
        ("hologram", json!({})),
        ("div", json!({"id": "x"})),
        ("a", json!({"href": "https://x.example/", "title": {"id": 97, "text": "Shown title"}})),
        ("img", json!({"src": "https://x.example/p.png"})),
        ("input", json!({"name": "x", "type": "hologram"})),
    ] {
        let node = json!({"type": kind, "group": "hologram", "attributes": attributes, "messages": [], "meta": label});
        let flow = one_node(node);
        let html = pages.login(&flow, &Page::default()).unwrap();
        assert!(html.contains("Shown label"), "{kind}: {html}");
        let settings = Settings { flow: &flow, session: None, sessions: None, revoke_url: None };
        let html = pages.settings(&settings, &Page::default()).unwrap();
        assert!(html.contains("Shown label"), "settings {kind}: {html}");
    }
}

#[test]
fn messages_of_hidden_fields_are_told_at_the_top() {
    let node = json!({"type": "input", "group": "default", "attributes": {"name": "traits.email", "type": "hidden", "value": "x"},
        "messages": [{"id": 4000002, "text": "Property email is missing.", "type": "error", "context": {"property": "email"}}],
        "meta": {"label": {"id": 1070002, "text": "E-Mail", "context": {"title": "E-Mail", "name": "traits.email"}}}});
    let html = pages().registration(&one_node(node), &Page::default()).unwrap();
    assert!(html.contains("E-Mail: Please fill in this field."), "{html}");
}

#[test]
fn items_of_a_list_are_sent_under_the_lists_name() {
    let node = |name: &str, value: &str| {
        json!({"type": "input", "group": "profile", "messages": [], "meta": {},
        "attributes": {"name": name, "type": "text", "value": value}})
    };
    let flow = json!({"ui": {"action": "/x", "nodes": [node("traits.tags", ""), node("traits.tags.0", "a"), node("traits.tags.1", "b")]}});
    let settings = Settings { flow: &flow, session: None, sessions: None, revoke_url: None };
    let html = pages().settings(&settings, &Page::default()).unwrap();
    let all = tags(&html);
    let sent: Vec<_> =
        all.iter().filter(|tag| tag.is("name", "traits.tags")).map(|tag| tag.get("value").unwrap()).collect();
    assert_eq!(sent, ["a", "b"]);
}

#[test]
fn a_schemas_pattern_may_match_anywhere_as_in_the_schema() {
    let node = json!({"type": "input", "group": "default", "attributes": {"name": "x", "type": "text", "pattern": "^\\d"}, "messages": [], "meta": {}});
    let html = pages().login(&one_node(node), &Page::default()).unwrap();
    assert!(tags(&html).iter().any(|tag| tag.is("pattern", ".*(?:^\\d).*")), "{html}");
}

#[test]
fn settings_keep_profile_links_and_sessions_in_forms_of_their_own() {
    let (flow, session, others) = (flows::settings(), flows::session(), flows::others());
    let settings =
        Settings { flow: &flow, session: Some(&session), sessions: Some(&others), revoke_url: Some("/ui/sessions") };
    let html = pages().settings(&settings, &Page::default()).unwrap();
    assert_eq!(html.matches("<form").count(), 3);
    assert_eq!(html.matches("value=\"bWFza2Vk\"").count(), 3, "each form has the token");
    let buttons = buttons(&html);
    let sent: Vec<_> = buttons.iter().map(|b| (b.get("name").unwrap(), b.get("value").unwrap())).collect();
    assert_eq!(
        sent,
        [
            ("method", "profile"),
            ("link", "google"),
            ("unlink", "microsoft"),
            ("unlink", "contoso"),
            ("revoke", "1"),
            ("revoke", "2"),
            ("revoke", "others"),
        ]
    );
    assert!(html.contains("Safari on iPhone") && html.contains("This device") && html.contains("198.51.100.20"));
}

#[test]
fn without_a_revoke_address_sessions_are_only_listed() {
    let (flow, others) = (flows::settings(), flows::others());
    let settings = Settings { flow: &flow, session: None, sessions: Some(&others), revoke_url: None };
    let html = pages().settings(&settings, &Page::default()).unwrap();
    assert!(html.contains("Safari on iPhone") && !html.contains("revoke"));
}

#[test]
fn an_error_says_what_to_do_and_keeps_the_details_for_support() {
    let pages = pages();
    let html = pages.error(&stored_error(), &Page::default()).unwrap();
    assert!(html.contains("This account is disabled") && html.contains("stored-1") && html.contains("req-1"));
    assert!(!html.contains("role=\"alert\""), "the page's own words are enough");
    let unknown = json!({"error": {"code": 418, "reason": "Its very own reason."}});
    let html = pages.error(&unknown, &Page::default()).unwrap();
    assert!(html.contains("Something went wrong") && html.contains("role=\"alert\">Its very own reason."), "{html}");
}

#[test]
fn the_welcome_page_shows_who_is_signed_in_or_offers_to() {
    let pages = pages();
    let (session, claims) = (flows::session(), flows::claims());
    let html = pages.welcome(&Welcome { session: Some(&session), claims: Some(&claims) }, &page(&pages, "en")).unwrap();
    for shown in ["Welcome, Alex Wilber.", "alex@contoso.example", "Sales", "raw_claims.tid", "logout?token=t"] {
        assert!(html.replace("&#x2f;", "/").contains(shown), "{shown}");
    }
    let mut ended = session.clone();
    ended["active"] = json!(false);
    for session in [None, Some(&ended)] {
        let html = pages.welcome(&Welcome { session, claims: None }, &Page::default()).unwrap();
        assert!(html.contains("You are not signed in") && html.contains("login"), "{html}");
    }
}

#[test]
fn a_login_is_named_after_what_it_asks_for() {
    let pages = pages();
    let mut flow = flows::login();
    flow["refresh"] = json!(true);
    assert!(pages.login(&flow, &Page::default()).unwrap().contains("Confirm that it is you</h1>"));
    flow["refresh"] = json!(false);
    flow["requested_aal"] = json!("aal2");
    assert!(pages.login(&flow, &Page::default()).unwrap().contains("One more step</h1>"));
    assert!(pages.login(&flows::linking(), &Page::default()).unwrap().contains("Is this your account?</h1>"));
    assert!(pages.login(&json!({}), &Page::default()).unwrap().contains("There is nothing to choose here."));
}

#[test]
fn a_test_login_says_before_it_begins_that_nothing_is_written() {
    let pages = pages();
    for (language, title, before) in [
        ("en", "Test sign-in</h1>", "nobody is signed in by it, and nothing is written"),
        ("de", "Probeanmeldung</h1>", "Niemand wird dadurch angemeldet, nichts wird gespeichert"),
    ] {
        let view = page(&pages, language);
        let html = pages.login(&flows::test_ahead(), &view).unwrap();
        assert!(html.contains(title) && html.contains(before), "{html}");
        assert!(!buttons(&html).is_empty());
        // Nobody signs in by it, so nobody is asked to sign out or up first.
        assert!(!html.contains("class=\"aside\""), "{html}");
        assert!(!pages.login(&flows::login(), &view).unwrap().contains(before));
    }
}

#[test]
fn registration_can_be_hidden() {
    let pages = Pages::new(Options { registration: false, ..Options::default() }).unwrap();
    for html in [pages.login(&flows::login(), &Page::default()), pages.welcome(&Welcome::default(), &Page::default())] {
        assert!(!html.unwrap().contains("self-service&#x2f;registration"));
    }
}

#[test]
fn other_languages_are_links_to_the_same_page() {
    let pages = pages();
    let html = pages.login(&flows::login(), &page(&pages, "en")).unwrap();
    let all = tags(&html);
    let links: Vec<_> = all.iter().filter_map(|tag| tag.get("hreflang").map(|_| tag.get("href").unwrap())).collect();
    assert_eq!(links, ["?flow=1&lang=de", "?flow=1&lang=en"]);
    assert!(!pages.login(&flows::login(), &Page::default()).unwrap().contains("hreflang"));
}

#[test]
fn assets_are_versioned_by_their_contents_and_nothing_else_is_served() {
    let plain = pages();
    let red = Pages::new(Options { accent: Some("#aa0000".to_owned()), ..Options::default() }).unwrap();
    let (a, b) = (plain.asset("style.css").unwrap(), red.asset("/style.css").unwrap());
    assert_ne!(a.etag, b.etag);
    assert!(a.etag.starts_with('"') && a.content_type.starts_with("text/css"));
    let html = plain.logged_out(&Page::default()).unwrap();
    assert!(html.replace("&#x2f;", "/").contains(&format!("/ui/assets/style.css?v={}", a.etag.trim_matches('"'))));
    assert!(plain.asset("icon.svg").is_some());
    assert!(plain.asset("../Cargo.toml").is_none() && plain.asset("").is_none());
}

#[test]
fn the_stylesheet_needs_nothing_from_elsewhere() {
    let css = String::from_utf8(pages().asset("style.css").unwrap().bytes.to_vec()).unwrap();
    for forbidden in ["url(", "@import", "http:", "https:"] {
        assert!(!css.contains(forbidden), "{forbidden}");
    }
    assert_eq!(css.matches('{').count(), css.matches('}').count());
}

#[test]
fn theme_logo_and_policy_follow_the_options() {
    let logo = "https://cdn.example/logo.svg";
    let options = Options { theme: Theme::Dark, logo_url: Some(logo.to_owned()), ..Options::default() };
    let pages = Pages::new(options).unwrap();
    let html = pages.logged_out(&Page::default()).unwrap();
    assert!(
        html.contains("data-theme=\"dark\"")
            && tags(&html).iter().any(|tag| tag.is("src", logo) && tag.is("alt", "Logo"))
    );
    assert!(pages.csp().contains("img-src 'self' data: https://cdn.example;"));
    assert!(pages.csp_framed_by("https://login.example").contains("frame-ancestors https://login.example;"));
    assert_eq!(crate::pages().csp(), CSP);
    assert!(!CSP.contains("unsafe") && !CSP.contains("script"));
}

#[test]
fn the_last_linked_account_is_shown_though_nothing_can_be_done_with_it() {
    let mut flow = flows::settings();
    let settings = |flow: &Value| {
        let session = flows::session();
        let settings = Settings { flow, session: Some(&session), sessions: None, revoke_url: None };
        pages().settings(&settings, &Page::default()).unwrap()
    };
    let linked = |html: &str| html.matches(">Linked<").count();
    assert_eq!(linked(&settings(&flow)), 2, "both can be unlinked, and each is shown once");
    let nodes = flow["ui"]["nodes"].as_array_mut().unwrap();
    nodes.retain(|node| node["attributes"]["name"] != "unlink");
    assert_eq!(linked(&settings(&flow)), 1, "the session came by Microsoft");
}
