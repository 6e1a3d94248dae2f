//! `format: uri` and its like, as the JSON Schema validator of Kratos (Go's `url.Parse`) decides them.

/// Kratos: anything that Go parses and that has a scheme; `base64://!!!!` and `gopher://x` do.
pub(crate) fn is_uri(text: &str) -> bool {
    scheme(text).is_some_and(|(_, rest)| rest_parses(rest))
}

/// Kratos: anything that Go parses, relative or not, without a backslash.
pub(crate) fn is_uri_reference(text: &str) -> bool {
    if text.contains('\\') {
        return false;
    }
    match scheme(text) {
        Some((_, rest)) => rest_parses(rest),
        None => {
            // The first segment of a relative path must not look like a scheme.
            let first = text.split('/').next().unwrap_or_default();
            let first = first.split(['?', '#']).next().unwrap_or_default();
            !first.contains(':') && rest_parses(text)
        }
    }
}

/// Kratos: `*`, or a URI (in which one wildcard may stand).
pub(crate) fn is_cors_origin(text: &str) -> bool {
    text == "*" || is_uri(text)
}

/// An absolute http or https address with a host.
pub(crate) fn is_http_url(text: &str) -> bool {
    text.parse::<crate::base_url::BaseUrl>().is_ok()
}

/// An IP address or a network.
pub(crate) fn is_network(text: &str) -> bool {
    crate::bia::Network::parse(text).is_some()
}

/// A day, `2027-03-01`, or a moment that begins with one.
pub(crate) fn is_date(text: &str) -> bool {
    let digits =
        |range: std::ops::Range<usize>| text.get(range).filter(|part| part.bytes().all(|b| b.is_ascii_digit()));
    let number = |range| digits(range).and_then(|part: &str| part.parse::<u32>().ok());
    let (Some(_), Some(month), Some(day)) = (number(0..4), number(5..7), number(8..10)) else {
        return false;
    };
    let dashes = text.get(4..5) == Some("-") && text.get(7..8) == Some("-");
    let ends = text.len() == 10 || text.get(10..11).is_some_and(|c| c == "T" || c == " ");
    dashes && ends && (1..=12).contains(&month) && (1..=31).contains(&day)
}

fn scheme(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = text.split_once(':')?;
    let mut bytes = scheme.bytes();
    let starts = bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic());
    (starts && bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.')))
        .then_some((scheme, rest))
}

fn rest_parses(rest: &str) -> bool {
    if rest.bytes().any(|byte| byte < 0x20 || byte == 0x7f) {
        return false;
    }
    let rest = rest.split('#').next().unwrap_or_default();
    let path = rest.split('?').next().unwrap_or_default();
    match path.strip_prefix("//") {
        Some(after) => {
            let (authority, path) = after.split_once('/').unwrap_or((after, ""));
            authority_parses(authority) && escapes_parse(path)
        }
        None => escapes_parse(path),
    }
}

fn authority_parses(authority: &str) -> bool {
    let host = authority.rsplit('@').next().unwrap_or_default();
    let (name, port) = match host.strip_prefix('[') {
        Some(inner) => match inner.split_once(']') {
            Some((name, after)) => (name, after.strip_prefix(':').or(after.is_empty().then_some(""))),
            None => return false,
        },
        None => host.rsplit_once(':').map_or((host, Some("")), |(name, port)| (name, Some(port))),
    };
    let allowed = |byte: u8| byte >= 0x80 || byte.is_ascii_alphanumeric() || b"-_.~!$&'()*+,;=:<>\"%[]".contains(&byte);
    name.bytes().all(allowed)
        && port.is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()))
        && escapes_parse(name)
}

/// A percent sign needs two hexadecimal digits after it.
fn escapes_parse(text: &str) -> bool {
    text.split('%').skip(1).all(|part| part.len() >= 2 && part.bytes().take(2).all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_are_what_go_parses_with_a_scheme() {
        for good in [
            "base64://!!!!",
            "base64://",
            "gopher://127.0.0.1/x",
            "https://a.example:8/b?c#d",
            "file:///etc/a b",
            "mailto:x",
            "file://a/b",
        ] {
            assert!(is_uri(good), "{good}");
        }
        for bad in [
            "",
            "mappers/a.jsonnet",
            "/abs",
            "://x",
            "http://a:port/",
            "http://a b/",
            "http://[::1/",
            "file:///%zz",
            "http://a\n",
        ] {
            assert!(!is_uri(bad), "{bad}");
        }
    }

    #[test]
    fn uri_references_may_be_relative() {
        for good in ["", "/login", "login", "https://a.example", "?x", "#x", "//host/x"] {
            assert!(is_uri_reference(good), "{good}");
        }
        for bad in ["a:b:c d\u{7f}", "1a:b", "https://a:b/", "a\\b", "/%"] {
            assert!(!is_uri_reference(bad), "{bad}");
        }
    }

    #[test]
    fn dates_are_days_of_the_calendar() {
        assert!(is_date("2027-03-01") && is_date("2027-03-01T00:00:00Z"));
        for bad in ["2027-13-01", "2027-3-1", "soon", "2027/03/01", "2027-03-01x", ""] {
            assert!(!is_date(bad), "{bad}");
        }
    }
}
