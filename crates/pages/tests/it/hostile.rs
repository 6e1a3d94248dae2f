//! A flow's values are hostile: whatever stands in any of its fields, the page stays a page.

use crate::html::assert_harmless;
use crate::{inputs, page, pages, render};
use bia_pages::{Options, Page, Pages};
use serde_json::{Value, json};

const ATTACKS: [&str; 6] = [
    "\"><script>alert(1)</script><img src=x onerror=alert(1)>",
    "'><svg onload=alert(1)>",
    "javascript:alert(1)",
    "</title></pre></textarea><script>alert(1)</script>",
    "\" autofocus onfocus=alert(1) x=\"",
    "{{ 7 * 7 }}{% raw %}{reason}[{x",
];

/// Pointers to every leaf.
fn leaves(value: &Value, path: String, out: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            map.iter().for_each(|(key, inner)| leaves(inner, format!("{path}/{}", key.replace('/', "~1")), out));
        }
        Value::Array(list) => list.iter().enumerate().for_each(|(i, inner)| leaves(inner, format!("{path}/{i}"), out)),
        _ => out.push(path),
    }
}

fn with_each_leaf(kinds: &[&str], values: &[Value], check: impl Fn(&str, &str)) {
    let pages = pages();
    let page = page(&pages, "en");
    let mut tried = 0;
    for (kind, input) in inputs().into_iter().filter(|(kind, _)| kinds.contains(kind)) {
        let mut paths = Vec::new();
        leaves(&input, String::new(), &mut paths);
        for path in paths {
            for value in values {
                let mut input = input.clone();
                *input.pointer_mut(&path).unwrap() = value.clone();
                let about = format!("{kind} with {value} at {path}");
                let html = render(&pages, kind, &input, &page).unwrap_or_else(|error| panic!("{about}: {error}"));
                check(&html, &about);
                tried += 1;
            }
        }
    }
    assert!(tried > 100, "{tried}");
}

fn attacks() -> Vec<Value> {
    // Breaking out of a tag, running as an address, breaking out of an attribute: the rest are variants of these.
    [ATTACKS[0], ATTACKS[2], ATTACKS[4]].map(Value::from).to_vec()
}

#[test]
fn no_field_of_a_login_can_break_out_of_the_page() {
    with_each_leaf(&["login"], &attacks(), assert_harmless);
}

#[test]
fn no_field_of_a_registration_can_break_out_of_the_page() {
    with_each_leaf(&["registration"], &attacks(), assert_harmless);
}

#[test]
fn no_field_of_settings_errors_or_sessions_can_break_out_of_the_page() {
    with_each_leaf(&["settings", "error", "welcome"], &attacks(), assert_harmless);
}

#[test]
fn values_of_another_type_than_expected_still_give_a_page() {
    let values = [json!(null), json!(-1.5), json!([{}]), json!({"a": []}), json!(true)];
    with_each_leaf(&["login", "registration", "settings", "error", "welcome"], &values, assert_harmless);
}

#[test]
fn nodes_of_every_other_kind_stay_harmless() {
    let pages = pages();
    for attack in ATTACKS {
        let label = json!({"label": {"id": 1, "text": attack, "type": attack}});
        let node = |kind: &str, attributes: Value| json!({"type": kind, "group": attack, "attributes": attributes, "messages": [], "meta": label});
        let text = json!({"id": 2, "text": attack});
        let flow = json!({"id": attack, "ui": {"action": attack, "method": attack, "nodes": [
            node("a", json!({"href": attack, "title": text})),
            node("img", json!({"src": attack})),
            node("text", json!({"text": text})),
            node("script", json!({"src": "https://evil.example/x.js"})),
            node("div", json!({"class": attack, "data": {"x": attack}})),
            node(attack, json!({"text": text})),
            node("input", json!({"type": attack, "name": attack, "value": attack, "onclick": attack, "pattern": attack,
                "autocomplete": attack, "options": [{"value": attack}]})),
        ]}});
        for html in [pages.login(&flow, &Page::default()), pages.registration(&flow, &Page::default())] {
            assert_harmless(&html.unwrap(), attack);
        }
    }
}

#[test]
fn what_the_caller_passes_is_escaped_and_checked_too() {
    for attack in ATTACKS {
        let pages = Pages::new(Options { title: Some(attack.to_owned()), ..Options::default() }).unwrap();
        let page = Page {
            now: None,
            sign_out_url: Some(attack),
            query: Some(attack),
            notice: Some(attack),
            language: pages.language(attack),
        };
        for (kind, input) in inputs() {
            assert_harmless(&render(&pages, kind, &input, &page).unwrap(), attack);
        }
    }
    let logo = Options { logo_url: Some("javascript:alert(1)".to_owned()), ..Options::default() };
    assert!(Pages::new(logo).is_err());
}

#[test]
fn a_provider_cannot_make_its_name_a_template() {
    let pages = pages();
    let flow = json!({"ui": {"action": "/x", "nodes": [{"type": "input", "group": "oidc", "messages": [],
        "attributes": {"type": "submit", "name": "provider", "value": "a"},
        "meta": {"label": {"id": 1010002, "text": "t", "context": {"provider": "{{ 7*7 }}{provider}[x]"}}}}]}});
    let html = pages.login(&flow, &Page::default()).unwrap();
    assert!(html.contains("Sign in with {{ 7*7 }}{provider}[x]"), "{html}");
}

#[test]
fn huge_flows_are_cut_and_not_refused() {
    let node = json!({"type": "input", "group": "default", "attributes": {"name": "x", "type": "text"}, "messages": [], "meta": {}});
    let flow = json!({"ui": {"action": "/x", "nodes": vec![node; 5000], "messages": vec![json!({"id": 1, "text": "t"}); 5000]}});
    let html = pages().login(&flow, &Page::default()).unwrap();
    assert_eq!(html.matches("<input").count(), 1000);
}
