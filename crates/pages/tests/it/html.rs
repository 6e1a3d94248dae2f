//! A strict reader for the HTML that the pages write. It knows tags, attributes and texts, nothing more.

use std::collections::HashSet;

#[derive(Debug)]
pub(crate) struct Tag {
    pub(crate) name: String,
    pub(crate) attributes: Vec<(String, String)>,
}

impl Tag {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn is(&self, name: &str, value: &str) -> bool {
        self.get(name) == Some(value)
    }
}

const VOID: [&str; 5] = ["meta", "link", "img", "input", "path"];

/// All opening tags in order. Panics on anything that a browser would have to guess about.
pub(crate) fn tags(html: &str) -> Vec<Tag> {
    let (mut tags, mut open) = (Vec::new(), Vec::new());
    let mut rest = html.trim().strip_prefix("<!doctype html>").expect("a doctype");
    while let Some(at) = rest.find('<') {
        assert!(!rest[..at].contains('>'), "stray `>` in {:?}", &rest[..at]);
        let end = at + rest[at..].find('>').expect("a closing `>`");
        let inner = &rest[at + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = inner.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "closing tag without its opening one");
            continue;
        }
        let is_closed = inner.ends_with('/');
        let tag = tag(inner.trim_end_matches('/'));
        if !is_closed && !VOID.contains(&tag.name.as_str()) {
            open.push(tag.name.clone());
        }
        tags.push(tag);
    }
    assert!(open.is_empty(), "never closed: {open:?}");
    tags
}

fn tag(text: &str) -> Tag {
    let (name, mut rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let mut attributes = Vec::new();
    while !rest.trim_start().is_empty() {
        rest = rest.trim_start();
        let end = rest.find(|c: char| c == '=' || c.is_whitespace()).unwrap_or(rest.len());
        let key = &rest[..end];
        assert!(key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'), "attribute {key:?} in <{text}>");
        rest = &rest[end..];
        let mut value = String::new();
        if let Some(quoted) = rest.strip_prefix("=\"") {
            let end = quoted.find('"').expect("a closing quotation mark");
            value = unescape(&quoted[..end]);
            rest = &quoted[end + 1..];
        }
        assert!(!rest.starts_with('='), "unquoted attribute in <{text}>");
        attributes.push((key.to_owned(), value));
    }
    Tag { name: name.to_owned(), attributes }
}

pub(crate) fn unescape(text: &str) -> String {
    let pairs = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#x27;", "'"), ("&#x2f;", "/"), ("&amp;", "&")];
    pairs.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

/// Nothing in it runs, loads from elsewhere, or leads where no browser should go.
pub(crate) fn assert_harmless(html: &str, about: &str) {
    const TAGS: &[&str] = &[
        "html", "head", "meta", "title", "link", "body", "header", "main", "footer", "nav", "section", "h1", "h2", "p",
        "div", "span", "br", "ul", "li", "dl", "dt", "dd", "form", "label", "input", "select", "option", "button", "a",
        "img", "svg", "path", "g", "circle", "strong", "code", "pre", "details", "summary", "time", "figure",
    ];
    let html = html.replace("<br>", "<br/>");
    for tag in tags(&html) {
        assert!(TAGS.contains(&tag.name.as_str()), "{about}: <{}>", tag.name);
        for (name, value) in &tag.attributes {
            assert!(
                !name.starts_with("on") && name != "style" && name != "srcdoc",
                "{about}: {name} in <{}>",
                tag.name
            );
            if matches!(name.as_str(), "href" | "src" | "action") {
                let value = value.to_lowercase();
                let is_path = value.starts_with('/') && !value.starts_with("//");
                let is_query = value.starts_with('?');
                let is_web = value.starts_with("https://") || value.starts_with("http://");
                assert!(is_path || is_query || is_web || value.is_empty(), "{about}: {name}={value}");
            }
        }
    }
}

/// What a screen reader relies on: unique ids, references that exist, a label for each field, one heading and main.
pub(crate) fn assert_accessible(html: &str, about: &str) {
    let html = html.replace("<br>", "<br/>");
    let tags = tags(&html);
    let count = |name: &str| tags.iter().filter(|tag| tag.name == name).count();
    assert_eq!((count("main"), count("h1"), count("title")), (1, 1, 1), "{about}");
    let ids: Vec<&str> = tags.iter().filter_map(|tag| tag.get("id")).collect();
    let unique: HashSet<&str> = ids.iter().copied().collect();
    assert_eq!(ids.len(), unique.len(), "{about}: ids {ids:?}");
    for tag in &tags {
        for name in ["for", "aria-describedby", "aria-labelledby"] {
            for id in tag.get(name).unwrap_or_default().split_whitespace() {
                assert!(unique.contains(id), "{about}: {name}={id}");
            }
        }
        let is_field = matches!(tag.name.as_str(), "input" | "select") && !tag.is("type", "hidden");
        if is_field {
            let id = tag.get("id").expect("fields have ids");
            assert!(
                tags.iter().any(|label| label.name == "label" && label.is("for", id)),
                "{about}: no label for {id}"
            );
        }
        if tag.is("aria-hidden", "true") && tag.name == "button" {
            assert!(tag.is("tabindex", "-1"), "{about}: focus on something hidden");
        }
        if tag.name == "img" {
            assert!(tag.get("alt").is_some(), "{about}: picture without alt");
        }
    }
    assert!(tags[0].get("lang").is_some_and(|lang| !lang.is_empty()), "{about}: no language");
}
