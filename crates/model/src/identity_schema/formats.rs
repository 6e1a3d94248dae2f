//! The `format` keyword as Kratos' validator understands it; unknown formats accept everything.

use super::normalise;
use fancy_regex::Regex;
use serde_json::Value;
use std::net::{Ipv4Addr, Ipv6Addr};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Whether `value` has that format. `None` for a format that nobody knows, which means no check at all.
pub(super) fn check(format: &str, value: &Value) -> Option<bool> {
    let test: fn(&str) -> bool = match format {
        "no-validate" => return Some(true),
        "email" => is_email,
        "tel" => |text| normalise::phone(text).is_some(),
        "date-time" => is_date_time,
        "date" => is_date,
        "time" => |text| is_date_time(&format!("2000-01-01T{text}")),
        "hostname" => is_hostname,
        "ipv4" | "ip-address" => |text| text.parse::<Ipv4Addr>().is_ok(),
        "ipv6" => |text| text.parse::<Ipv6Addr>().is_ok(),
        "uri" | "iri" => |text| is_uri_reference(text) && scheme(text).is_some(),
        "uri-reference" | "uriref" | "iri-reference" => is_uri_reference,
        "uri-template" => is_uri_template,
        "regex" => |text| pattern(text).is_ok(),
        "json-pointer" => is_json_pointer,
        "relative-json-pointer" => is_relative_json_pointer,
        _ => return None,
    };
    // Kratos: every format refuses values that are no strings.
    Some(value.as_str().is_some_and(test))
}

/// Compiles a pattern of the schema. `\d`, `\w`, `\s` and `\b` mean ASCII, as in Kratos and ECMAScript.
///
/// Attack stopped: a hostile value can't make a pattern run for ever. Ordinary patterns take linear time,
/// those with look-around or back-references give up after a fixed number of steps and count as no match.
pub(super) fn pattern(source: &str) -> Result<Regex, Box<fancy_regex::Error>> {
    let mut out = String::with_capacity(source.len());
    let mut characters = source.chars().peekable();
    let mut in_class = false;
    while let Some(c) = characters.next() {
        match (c, in_class) {
            ('\\', _) => match characters.next() {
                Some(escaped) => push_escape(&mut out, escaped, in_class),
                None => out.push('\\'),
            },
            ('[', false) => {
                in_class = true;
                out.push('[');
                // A bracket that comes first in a class closes nothing.
                out.extend(characters.next_if_eq(&'^'));
                if characters.next_if_eq(&']').is_some() {
                    out.push_str("\\]");
                }
            }
            ('[', true) if characters.peek() == Some(&':') => {
                out.push('[');
                for inner in characters.by_ref() {
                    out.push(inner);
                    if inner == ']' {
                        break;
                    }
                }
            }
            // The engine's own class operators are plain characters in Kratos and ECMAScript.
            ('[' | '&' | '~', true) => out.extend(['\\', c]),
            (']', true) => {
                in_class = false;
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    Regex::new(&out).map_err(Box::new)
}

fn push_escape(out: &mut String, escaped: char, in_class: bool) {
    match (escaped, in_class) {
        ('d', false) => out.push_str("[0-9]"),
        ('d', true) => out.push_str("0-9"),
        ('w', false) => out.push_str("[0-9A-Za-z_]"),
        ('w', true) => out.push_str("0-9A-Za-z_"),
        ('s', false) => out.push_str("[\\t\\n\\f\\r ]"),
        ('s', true) => out.push_str("\\t\\n\\f\\r "),
        ('D', _) => out.push_str("[^0-9]"),
        ('W', _) => out.push_str("[^0-9A-Za-z_]"),
        ('S', _) => out.push_str("[^\\t\\n\\f\\r ]"),
        ('/', _) => out.push('/'),
        _ => out.extend(['\\', escaped]),
    }
}

fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    text.len() <= 254 && local.len() <= 64 && is_hostname(domain) && address_of(text).is_some()
}

/// The address in a mail header without a display name: `local@domain`, with quotes around `local` removed.
pub(super) fn address_of(text: &str) -> Option<String> {
    let text = text.trim_start();
    let (local, domain) = text.rsplit_once('@')?;
    let local = match local.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(quoted) if !quoted.is_empty() && !quoted.contains(['"', '\\', '\r', '\n']) => quoted,
        Some(_) => return None,
        None if is_dot_atom(local) => local,
        None => return None,
    };
    is_dot_atom(domain).then(|| format!("{local}@{domain}"))
}

fn is_dot_atom(text: &str) -> bool {
    text.split('.').all(|atom| {
        !atom.is_empty()
            && atom.chars().all(|c| {
                c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c) || (!c.is_ascii() && !c.is_control())
            })
    })
}

fn is_hostname(text: &str) -> bool {
    let text = text.strip_suffix('.').unwrap_or(text);
    text.len() <= 253
        && !text.starts_with('-')
        && text.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && !label.ends_with('-')
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        })
}

fn is_date_time(text: &str) -> bool {
    text.as_bytes().get(10) == Some(&b'T') && !text.ends_with('z') && OffsetDateTime::parse(text, &Rfc3339).is_ok()
}

fn is_date(text: &str) -> bool {
    text.len() == 10 && is_date_time(&format!("{text}T00:00:00Z"))
}

fn scheme(text: &str) -> Option<&str> {
    let (scheme, _) = text.split_once(':')?;
    let mut bytes = scheme.bytes();
    (bytes.next()?.is_ascii_alphabetic() && bytes.all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b)))
        .then_some(scheme)
}

fn is_uri_reference(text: &str) -> bool {
    if text.chars().any(|c| c.is_ascii_control()) || text.starts_with(':') {
        return false;
    }
    let rest = scheme(text).map_or(text, |scheme| &text[scheme.len() + 1..]);
    let escapes_are_whole =
        rest.split('%').skip(1).all(|after| after.len() >= 2 && after.bytes().take(2).all(|b| b.is_ascii_hexdigit()));
    let authority = rest.strip_prefix("//").map(|rest| rest.split(['/', '?', '#']).next().unwrap_or(rest));
    escapes_are_whole
        && authority.is_none_or(|authority| {
            let host = authority.rsplit('@').next().unwrap_or(authority);
            let port = host.rsplit_once(':').map_or("", |(_, port)| port);
            !host.contains([' ', '<', '>', '"', '\\', '^', '`', '{', '|', '}'])
                && (host.ends_with(']') || port.bytes().all(|b| b.is_ascii_digit()))
        })
}

fn is_uri_template(text: &str) -> bool {
    let mut open = false;
    for c in text.chars() {
        match (c, open) {
            ('{', true) | ('}', false) => return false,
            ('{', false) => open = true,
            ('}', true) => open = false,
            ('/', true) => return false,
            _ => {}
        }
    }
    !open
}

fn is_json_pointer(text: &str) -> bool {
    (text.is_empty() || text.starts_with('/')) && text.split('~').skip(1).all(|after| after.starts_with(['0', '1']))
}

fn is_relative_json_pointer(text: &str) -> bool {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let rest = &text[digits..];
    digits > 0 && (digits == 1 || !text.starts_with('0')) && (rest == "#" || is_json_pointer(rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn formats_accept_and_refuse_as_kratos_does() {
        for (format, good, bad) in [
            (
                "email",
                &["a@b", "a.b+c@x.example", "\"a b\"@x.example"][..],
                &["", "nope", "a@", "@b", "a..b@c", "a@b c", "a@-b"][..],
            ),
            ("date", &["2024-02-29"], &["2023-02-29", "2024-2-1", "x"]),
            (
                "date-time",
                &["2024-01-01T00:00:00Z", "2024-01-01T00:00:00.5+01:00"],
                &["2024-01-01", "2024-01-01t00:00:00z"],
            ),
            ("time", &["10:00:00Z"], &["10:00", "25:00:00Z"]),
            ("tel", &["+49 176 67111638"], &["12", "0176 67111638"]),
            ("uri", &["https://x.example/a?b#c", "urn:x:y"], &["/a", "x", "https://x.example/%zz", "http://a b/"]),
            ("uri-reference", &["/a", "a"], &[":x", "a\n"]),
            ("hostname", &["a.b"], &["a..b", "-a", "a_b"]),
            ("ipv4", &["10.0.0.1"], &["10.0.0"]),
            ("ipv6", &["::1"], &["1", "127.0.0.1"]),
            ("uri-template", &["/a/{b}"], &["/a/{b"]),
            ("regex", &["^a$"], &["("]),
            ("json-pointer", &["", "/a~1b"], &["a", "/~2"]),
            ("relative-json-pointer", &["0", "1/a", "2#"], &["/a", "01"]),
        ] {
            for text in good {
                assert_eq!(check(format, &json!(text)), Some(true), "{format} {text}");
            }
            for text in bad {
                assert_eq!(check(format, &json!(text)), Some(false), "{format} {text}");
            }
        }
        assert_eq!(check("email", &json!(5)), Some(false));
        assert_eq!(check("no-validate", &json!(5)), Some(true));
        assert_eq!(check("colour", &json!(5)), None);
    }

    #[test]
    fn classes_in_patterns_are_ascii() {
        let digits = pattern(r"^[\d-]+\d$").unwrap();
        assert!(digits.is_match("1-2").unwrap());
        assert!(!digits.is_match("１２").unwrap());
        assert!(pattern(r"^(?=.*[A-Z])\w{3,}$").unwrap().is_match("abC").unwrap());
        assert!(pattern(r"^[[a]+$").unwrap().is_match("[a").unwrap());
    }
}
