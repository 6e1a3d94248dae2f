//! `bia.identity_headers`: headers about the person, for the application behind a proxy that asks `/sessions/whoami`.
//!
//! A template is text with fields in braces: `{identity.id}`, `{traits.name.first} {traits.name.last}`,
//! `{metadata_public.groups|join:";"}`. What is read here is names and templates; the server fills them in.

use serde::{Deserialize, Deserializer};

/// Most headers that one configuration may name: proxies hold all of an answer's headers in one small buffer.
pub(crate) const MOST_HEADERS: usize = 16;

/// Longest template.
const LONGEST_TEMPLATE: usize = 512;

/// What a field may begin with. Nothing here reaches what `/sessions/whoami` does not show.
const ROOTS: [&str; 5] = ["identity", "traits", "metadata_public", "session", "verified_email"];

/// One header's value before a session fills it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderTemplate {
    parts: Vec<HeaderPart>,
}

/// A piece of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeaderPart {
    /// Printable ASCII, as written.
    Text(String),
    /// What the session says there.
    Field {
        /// Root and keys: `["traits", "email"]`. A number is an item of a list.
        path: Vec<String>,
        /// Between the items of a list.
        separator: String,
    },
}

impl HeaderTemplate {
    /// Reads a template.
    ///
    /// # Errors
    /// A sentence that says what is wrong and what to write; it quotes the template, never a person's data.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > LONGEST_TEMPLATE {
            return Err(format!("expected a template of at most {LONGEST_TEMPLATE} characters"));
        }
        let mut parts = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let at = rest.find(['{', '}']).unwrap_or(rest.len());
            let (before, after) = rest.split_at(at);
            literal(&mut parts, before)?;
            rest = if after.starts_with("{{") || after.starts_with("}}") {
                literal(&mut parts, &after[..1])?;
                &after[2..]
            } else if after.starts_with('}') {
                return Err("expected `{` before this `}`; a brace itself is written twice, `}}`".to_owned());
            } else if after.is_empty() {
                after
            } else {
                let (inside, behind) = field_text(&after[1..])?;
                parts.push(field(inside)?);
                behind
            };
        }
        if parts.iter().any(|part| matches!(part, HeaderPart::Field { .. })) {
            Ok(Self { parts })
        } else {
            Err("expected at least one field in braces, such as `{identity.id}`".to_owned())
        }
    }

    /// Its pieces, in order.
    pub fn parts(&self) -> &[HeaderPart] {
        &self.parts
    }
}

impl<'de> Deserialize<'de> for HeaderTemplate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

fn literal(parts: &mut Vec<HeaderPart>, text: &str) -> Result<(), String> {
    if !text.bytes().all(is_printable) {
        // A line break would begin a header of its own.
        return Err("expected printable ASCII between the fields".to_owned());
    }
    match parts.last_mut() {
        _ if text.is_empty() => {}
        Some(HeaderPart::Text(before)) => before.push_str(text),
        _ => parts.push(HeaderPart::Text(text.to_owned())),
    }
    Ok(())
}

/// Up to the closing brace; one inside the quotes of a separator does not close.
fn field_text(text: &str) -> Result<(&str, &str), String> {
    let mut quoted = false;
    for (at, character) in text.char_indices() {
        match character {
            '"' => quoted = !quoted,
            '}' if !quoted => return Ok((&text[..at], &text[at + 1..])),
            _ => {}
        }
    }
    Err("expected `}` after the field; a brace itself is written twice, `{{`".to_owned())
}

fn field(inside: &str) -> Result<HeaderPart, String> {
    let (path, filter) = inside.split_once('|').map_or((inside, None), |(path, filter)| (path, Some(filter)));
    let separator = filter.map_or(Ok(",".to_owned()), separator)?;
    let path: Vec<String> = path.split('.').map(str::to_owned).collect();
    let is_key = |key: &String| !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'));
    if !path.iter().all(is_key) {
        return Err(format!("expected keys separated by dots in `{{{inside}}}`, such as `{{traits.email}}`"));
    }
    let root = path[0].as_str();
    if !ROOTS.contains(&root) {
        let near = crate::validate::nearest(root, ROOTS.into_iter()).map(|near| format!(" Did you mean `{near}`?"));
        let (roots, near) = (ROOTS.join("`, `"), near.unwrap_or_default());
        return Err(format!("expected a field that begins with `{roots}`; there is no `{root}`.{near}"));
    }
    let needs_key = !matches!(root, "verified_email");
    if needs_key == (path.len() == 1) {
        let wanted = if needs_key { "a key after" } else { "nothing after" };
        return Err(format!("expected {wanted} `{root}` in `{{{inside}}}`"));
    }
    Ok(HeaderPart::Field { path, separator })
}

/// `join:"…"`.
fn separator(filter: &str) -> Result<String, String> {
    let quoted = filter.trim().strip_prefix("join:").map(str::trim);
    let inner = quoted.and_then(|text| text.strip_prefix('"')?.strip_suffix('"'));
    // Letters and digits cannot separate: an item that holds them would have to be escaped beyond recognition.
    let separates = |text: &&str| {
        (1..=4).contains(&text.len()) && text.bytes().all(|b| b == b' ' || (b.is_ascii_punctuation() && b != b'%'))
    };
    inner
        .filter(separates)
        .map(str::to_owned)
        .ok_or_else(|| "expected `join:\",\"` after `|`, with one to four punctuation marks or blanks".to_owned())
}

fn is_printable(byte: u8) -> bool {
    matches!(byte, b' '..=b'~')
}

/// Why a header may not have this name; nothing when it may.
pub(crate) fn refused_name(name: &str) -> Option<&'static str> {
    let lower = name.to_ascii_lowercase();
    let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| lower.starts_with(prefix));
    if name.len() > 64 || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        // CGI and WSGI read `X_User_Id` and `X-User-Id` as one: a client could send what the proxy does not strip.
        return Some(
            "a name has up to 64 letters, digits and hyphens; an underscore would let clients pose as the proxy",
        );
    }
    if !starts(&["x-", "remote-"]) || lower.ends_with('-') {
        return Some("a name begins with `X-` or `Remote-`, so that no header with a meaning of its own is touched");
    }
    let owned = ["x-forwarded-", "x-accel-", "x-kratos-", "x-original-", "x-content-type-", "x-frame-", "x-xss-"];
    let single = [
        "x-session-token",
        "x-csrf-token",
        "x-request-id",
        "x-real-ip",
        "x-sendfile",
        "x-rewrite-url",
        "x-http-method-override",
        "x-total-count",
    ];
    if starts(&owned) || single.contains(&lower.as_str()) {
        return Some("this name already means something to proxies, browsers or Kratos' clients");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(path: &[&str], separator: &str) -> HeaderPart {
        HeaderPart::Field { path: path.iter().map(|key| (*key).to_owned()).collect(), separator: separator.to_owned() }
    }

    fn text(text: &str) -> HeaderPart {
        HeaderPart::Text(text.to_owned())
    }

    fn parts(template: &str) -> Vec<HeaderPart> {
        HeaderTemplate::parse(template).expect(template).parts().to_vec()
    }

    #[test]
    fn a_template_is_text_and_fields() {
        assert_eq!(parts("{identity.id}"), [field(&["identity", "id"], ",")]);
        assert_eq!(
            parts("<{traits.name.first} {{x}} {verified_email}>"),
            [
                text("<"),
                field(&["traits", "name", "first"], ","),
                text(" {x} "),
                field(&["verified_email"], ","),
                text(">")
            ]
        );
        assert_eq!(parts(r#"{metadata_public.groups|join:";"}"#), [field(&["metadata_public", "groups"], ";")]);
        assert_eq!(
            parts(r#"{metadata_public.groups | join: "}"}"#.replace("groups ", "groups").as_str()),
            [field(&["metadata_public", "groups"], "}")]
        );
    }

    #[test]
    fn what_is_no_template_is_explained() {
        for (template, hint) in [
            ("constant", "at least one field"),
            ("", "at least one field"),
            ("{identity.id", "expected `}`"),
            ("identity.id}", "expected `{`"),
            ("{metadata_admin.salary}", "Did you mean `metadata_public`?"),
            ("{trait.email}", "Did you mean `traits`?"),
            ("{traits}", "a key after `traits`"),
            ("{verified_email.x}", "nothing after `verified_email`"),
            ("{traits..email}", "separated by dots"),
            ("{traits.groups|upper}", "expected `join:"),
            ("{traits.groups|join:\"\"}", "expected `join:"),
            ("{traits.groups|join:\"and\"}", "expected `join:"),
            ("{traits.groups|join:\"%\"}", "expected `join:"),
            ("{identity.id}\r\nX-Admin: yes", "printable ASCII"),
        ] {
            let told = HeaderTemplate::parse(template).expect_err(template);
            assert!(told.contains(hint), "{template:?}: {told}");
        }
        assert!(HeaderTemplate::parse(&format!("{{identity.id}}{}", "x".repeat(600))).is_err());
    }

    #[test]
    fn names_with_another_meaning_are_refused() {
        for name in ["X-User-Id", "x-user-groups", "Remote-User", "X-WEBAUTH-USER"] {
            assert_eq!(refused_name(name), None, "{name}");
        }
        for name in [
            "",
            "X-",
            "Cookie",
            "Set-Cookie",
            "Connection",
            "Transfer-Encoding",
            "Host",
            "Authorization",
            "X_User_Id",
            "X-User Id",
            "X-User\r\nA",
            "X-Forwarded-For",
            "X-Accel-Redirect",
            "X-Session-Token",
            "Location",
            "X-Kratos-Authenticated-Identity-Id",
            "Remote-ä",
        ] {
            assert!(refused_name(name).is_some(), "{name}");
        }
    }
}
