//! `bia.identity_headers`: what `/sessions/whoami` tells the application behind a proxy, as headers.
//!
//! Templates are filled from the answer's own JSON, so that no header says more than the body does. The application
//! believes these headers, and people write into traits what they like; therefore no value can end its header, start
//! another one, or add an item to a list.

use crate::call::Call;
use bia_config::{HeaderPart, HeaderTemplate};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use std::sync::atomic::{AtomicI64, Ordering};

/// Proxies hold all headers of an answer in one buffer of 4 to 16 KiB and fail the request when they do not fit.
const LONGEST: usize = 4 << 10;
const LONGEST_TOGETHER: usize = 8 << 10;

/// Adds every header whose template can be filled. One that lacks something is left out whole.
pub(crate) fn append(call: &Call, whoami: &Value, headers: &mut HeaderMap) {
    let mut left = LONGEST_TOGETHER;
    for (name, template) in &call.deps().config.bia.identity_headers {
        match fill(template, whoami) {
            Filled::Text(text) if text.len() <= left => {
                let pair = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(&text));
                if let (Ok(name), Ok(value)) = pair {
                    left -= text.len();
                    headers.insert(name, value);
                }
            }
            Filled::Missing => {}
            // Cut short, a list would lose rights, and its last item might read as another one.
            Filled::Text(_) | Filled::TooLong => warn(name, call.now.secs()),
        }
    }
}

/// At most one line in a minute: whoami is asked with every request of every page.
fn warn(name: &str, now: i64) {
    static NEXT: AtomicI64 = AtomicI64::new(i64::MIN);
    let next = NEXT.load(Ordering::Relaxed);
    if now >= next && NEXT.compare_exchange(next, now + 60, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
        tracing::warn!(header = name, "an identity header was left out: its value is longer than proxies take");
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Filled {
    Text(String),
    Missing,
    TooLong,
}

fn fill(template: &HeaderTemplate, whoami: &Value) -> Filled {
    let mut out = String::new();
    for part in template.parts() {
        match part {
            HeaderPart::Text(text) => out.push_str(text),
            HeaderPart::Field { path, separator } => {
                let before = out.len();
                let found = find(path, whoami).is_some_and(|value| write(value, separator, &mut out));
                if !found || out.len() == before {
                    return Filled::Missing;
                }
            }
        }
        if out.len() > LONGEST {
            return Filled::TooLong;
        }
    }
    Filled::Text(out)
}

fn find<'a>(path: &[String], whoami: &'a Value) -> Option<&'a Value> {
    let (root, keys) = path.split_first()?;
    let identity = whoami.get("identity")?;
    let start = match root.as_str() {
        "session" => whoami,
        "identity" => identity,
        "traits" | "metadata_public" => identity.get(root)?,
        "verified_email" => return verified_email(identity),
        _ => return None,
    };
    keys.iter().try_fold(start, |value, key| match value {
        Value::Object(map) => map.get(key),
        Value::Array(items) => items.get(key.parse::<usize>().ok()?),
        _ => None,
    })
}

/// The first e-mail address that was verified. A trait is whatever the person typed into it last.
fn verified_email(identity: &Value) -> Option<&Value> {
    let addresses = identity.get("verifiable_addresses")?.as_array()?;
    addresses.iter().find(|address| address["via"] == "email" && address["verified"] == true)?.get("value")
}

/// Whether the value can be written: text, number, boolean, or a list of them.
fn write(value: &Value, separator: &str, out: &mut String) -> bool {
    let Value::Array(items) = value else { return write_one(value, "", out) };
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push_str(separator);
        }
        // An empty item would be indistinguishable from none.
        if item.as_str().is_some_and(str::is_empty) || !write_one(item, separator, out) {
            return false;
        }
        if out.len() > LONGEST {
            return true;
        }
    }
    true
}

fn write_one(value: &Value, separator: &str, out: &mut String) -> bool {
    match value {
        Value::String(text) => encode(text, separator, out),
        Value::Number(number) => out.push_str(&number.to_string()),
        Value::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Null | Value::Array(_) | Value::Object(_) => return false,
    }
    true
}

/// Printable ASCII stays; everything else is percent-encoded UTF-8, and so is `%`, so that decoding gives the text back.
/// A line break would start another header, a separator inside an item another item, a blank at the end would be lost.
fn encode(text: &str, separator: &str, out: &mut String) {
    let last = text.len().saturating_sub(1);
    for (at, byte) in text.bytes().enumerate() {
        let stays = match byte {
            b' ' => at != 0 && at != last,
            b'%' => false,
            _ => byte.is_ascii_graphic(),
        };
        if stays && !separator.as_bytes().contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
        if out.len() > LONGEST {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn filled(template: &str, traits: &Value) -> Filled {
        let whoami = json!({ "id": "s", "identity": { "id": "i", "traits": traits } });
        fill(&HeaderTemplate::parse(template).unwrap(), &whoami)
    }

    fn text(text: &str) -> Filled {
        Filled::Text(text.to_owned())
    }

    #[test]
    fn decoding_gives_back_what_no_header_can_hold() {
        let traits = json!({ "name": "Jürgen 100%", "evil": "x\r\nX-User-Id: admin", "blank": " a b ", "tab": "a\tb" });
        assert_eq!(filled("{traits.name}", &traits), text("J%C3%BCrgen 100%25"));
        assert_eq!(filled("{traits.evil}", &traits), text("x%0D%0AX-User-Id: admin"));
        assert_eq!(filled("{traits.blank}", &traits), text("%20a b%20"));
        assert_eq!(filled("{traits.tab}", &traits), text("a%09b"));
    }

    #[test]
    fn an_item_cannot_pose_as_two() {
        let traits =
            json!({ "groups": ["staff", "a,admins", "ü; b"], "nested": [["a"]], "holes": ["a", ""], "none": [] });
        assert_eq!(filled("{traits.groups}", &traits), text("staff,a%2Cadmins,%C3%BC; b"));
        assert_eq!(filled(r#"{traits.groups|join:"; "}"#, &traits), text("staff; a,admins; %C3%BC%3B%20b"));
        assert_eq!(filled("{traits.groups.1}", &traits), text("a,admins"));
        for template in ["{traits.nested}", "{traits.holes}", "{traits.none}", "{traits.groups.7}"] {
            assert_eq!(filled(template, &traits), Filled::Missing, "{template}");
        }
    }

    #[test]
    fn a_template_that_lacks_something_makes_no_header() {
        let traits = json!({ "first": "Ada", "empty": "", "null": null, "object": {}, "age": 36, "vip": true });
        assert_eq!(
            filled("{traits.first} is {traits.age}, {traits.vip} {session.id}", &traits),
            text("Ada is 36, true s")
        );
        for template in
            ["{traits.first} {traits.last}", "{traits.empty}", "{traits.null}", "{traits.object}", "{verified_email}"]
        {
            assert_eq!(filled(template, &traits), Filled::Missing, "{template}");
        }
    }

    #[test]
    fn what_is_too_long_is_never_cut() {
        let many: Vec<String> = (0..2000).map(|number| format!("group-{number}")).collect();
        assert_eq!(filled("{traits.groups}", &json!({ "groups": many })), Filled::TooLong);
        assert_eq!(filled("{traits.name}", &json!({ "name": "ü".repeat(1 << 20) })), Filled::TooLong);
    }
}
