//! Where a client may be sent after a flow: `return_to` against the allow-list (contract §1.1).
//!
//! The text is parsed the way browsers parse it, so that what is checked is what a browser will visit:
//! backslashes, userinfo, encoded dots and missing slashes can't make the two disagree (open redirects).

use bia_model::{ApiError, error::id};
use url::Url;

/// One entry of `selfservice.allowed_return_urls`.
#[derive(Clone, Debug)]
pub struct Allowed {
    scheme: String,
    /// Host and port, lower case; a leading `*` matches any prefix.
    host: String,
    path: String,
}

impl Allowed {
    /// Reads an entry; one without scheme or host is completed from the default return URL, as in Kratos.
    /// A wildcard that covers a whole public suffix (`https://*.com`) is refused unless `allow_insecure`.
    pub fn parse(entry: &str, default: &Url, allow_insecure: bool) -> Option<Self> {
        // A `*` isn't a legal host for the URL parser, so it travels as a label of its own.
        const STAR: &str = "wildcard-label";
        let has_star = entry.contains("://*");
        let text = if has_star { entry.replacen("://*", &format!("://{STAR}"), 1) } else { entry.to_owned() };
        let url = default.join(&text).ok()?;
        let host = authority(&url).replacen(STAR, "*", 1);
        if has_star && !allow_insecure && !is_safe_wildcard(&host) {
            return None;
        }
        let path = if text.contains("://") && url.path() == "/" && !text.ends_with('/') { "/" } else { url.path() };
        Some(Self { scheme: url.scheme().to_owned(), host, path: decode(path) })
    }

    /// `{public}/self-service`, which is always allowed.
    pub fn self_service(public: &Url) -> Self {
        Self {
            scheme: public.scheme().to_owned(),
            host: authority(public),
            path: format!("{}/self-service", decode(public.path()).trim_end_matches('/')),
        }
    }

    fn allows(&self, url: &Url) -> bool {
        let host = authority(url);
        let host_fits = match self.host.strip_prefix('*') {
            Some(suffix) => host.ends_with(suffix),
            None => host == self.host,
        };
        // Userinfo only ever serves to make one host look like another.
        let plain = url.username().is_empty() && url.password().is_none();
        plain && host_fits && url.scheme() == self.scheme && decode(url.path()).starts_with(&self.path)
    }
}

/// The address to return to: `requested` when it is allowed, `default` when nothing was requested.
///
/// # Errors
/// 400 `self_service_flow_return_to_forbidden` for anything that isn't on the list.
pub fn resolve(requested: Option<&str>, default: &str, allowed: &[Allowed]) -> Result<String, ApiError> {
    let Some(requested) = requested.filter(|text| !text.is_empty()) else {
        return Ok(default.to_owned());
    };
    let base = Url::parse(default).ok();
    let parsed = match &base {
        Some(base) => base.join(requested),
        None => Url::parse(requested),
    };
    let url = match parsed {
        Ok(url) if url.has_host() => url,
        _ => return Err(forbidden(requested)),
    };
    if !allowed.iter().any(|entry| entry.allows(&url)) {
        let shown = if requested.starts_with("//") { url.to_string() } else { requested.to_owned() };
        return Err(forbidden(&shown));
    }
    Ok(if is_plain_absolute(requested) { requested.to_owned() } else { url.to_string() })
}

/// An absolute URL whose text no two parsers read differently may stay as it was written.
fn is_plain_absolute(text: &str) -> bool {
    (text.starts_with("https://") || text.starts_with("http://"))
        && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
        && !text.contains("/../")
        && !text.contains("/./")
}

fn forbidden(shown: &str) -> ApiError {
    let shown: String = shown.chars().filter(|c| !c.is_control()).take(2048).collect();
    ApiError::bad_request(format!("Requested return_to URL \"{shown}\" is not allowed."))
        .with_id(id::RETURN_TO_FORBIDDEN)
}

fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default().to_ascii_lowercase();
    url.port().map_or_else(|| host.clone(), |port| format!("{host}:{port}"))
}

fn decode(path: &str) -> String {
    let text = if path.is_empty() { "/" } else { path };
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let decoded = (byte == b'%')
            .then(|| bytes.clone().take(2).map(char::from).collect::<String>())
            .and_then(|digits| u8::from_str_radix(&digits, 16).ok());
        match decoded {
            Some(value) => {
                out.push(value);
                bytes.nth(1);
            }
            None => out.push(byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// `*.example.com` is fine, `*.com`, `*` and `*com` would allow strangers' hosts.
fn is_safe_wildcard(host: &str) -> bool {
    const SECOND_LEVEL: &[&str] = &["co", "com", "org", "net", "gov", "edu", "ac"];
    let host = host.split(':').next().unwrap_or_default();
    let Some(rest) = host.strip_prefix("*.") else {
        return false;
    };
    let labels: Vec<&str> = rest.split('.').collect();
    match labels.as_slice() {
        [] | [_] => false,
        [second, top] => !(top.len() == 2 && SECOND_LEVEL.contains(second)),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFAULT: &str = "http://127.0.0.1:4455/welcome";

    fn list(entries: &[&str]) -> Vec<Allowed> {
        let default = Url::parse(DEFAULT).unwrap();
        let mut list: Vec<_> = entries.iter().filter_map(|entry| Allowed::parse(entry, &default, false)).collect();
        list.push(Allowed::self_service(&Url::parse("http://127.0.0.1:4433/").unwrap()));
        list
    }

    fn allowed(requested: &str) -> bool {
        let entries = ["http://127.0.0.1:4455", "https://app.example/after", "https://*.wild.example"];
        resolve(Some(requested), DEFAULT, &list(&entries)).is_ok()
    }

    #[test]
    fn listed_addresses_pass_with_longer_paths() {
        for good in [
            "https://app.example/after",
            "https://app.example/after/deep?x=1",
            "HTTPS://APP.example/after",
            "/dashboard",
            "http://127.0.0.1:4433/self-service/settings/browser",
            "https://a.wild.example/x",
        ] {
            assert!(allowed(good), "{good}");
        }
    }

    #[test]
    fn every_form_of_open_redirect_is_refused() {
        for bad in [
            "https://evil.example/",
            "//evil.example/after",
            "\\\\evil.example\\after",
            "/\\evil.example/after",
            "https:\\\\evil.example/after",
            "https:/evil.example",
            "https://app.example@evil.example/after",
            "https://app.example:pw@app.example.evil.example/after",
            "https://user@app.example/after",
            "https://app.example.evil.example/after",
            "https://app.example/other",
            "https://app.example/after/../other",
            "https://app.example/%2e%2e/other",
            "http://app.example/after",
            "https://app.example:444/after",
            "javascript:alert(1)",
            "data:text/html,x",
            " https://evil.example/",
            "\thttps://evil.example/",
            "https://evil\u{3002}example/",
            "https://wild.example.evil.example/",
            "https://xwild.example/",
        ] {
            assert!(!allowed(bad), "{bad}");
        }
    }

    #[test]
    fn what_is_answered_is_what_was_checked() {
        let list = list(&["https://app.example/after"]);
        assert_eq!(
            resolve(Some("https://app.example/after?x=1"), DEFAULT, &list).unwrap(),
            "https://app.example/after?x=1"
        );
        assert_eq!(resolve(None, DEFAULT, &list).unwrap(), DEFAULT);
        assert_eq!(resolve(Some(""), DEFAULT, &list).unwrap(), DEFAULT);
    }

    #[test]
    fn a_wildcard_over_a_public_suffix_is_ignored() {
        let default = Url::parse(DEFAULT).unwrap();
        assert!(Allowed::parse("https://*.com", &default, false).is_none());
        assert!(Allowed::parse("https://*.co.uk", &default, false).is_none());
        assert!(Allowed::parse("https://*.com", &default, true).is_some());
        assert!(Allowed::parse("https://*.example.com", &default, false).is_some());
    }

    #[test]
    fn the_refusal_quotes_what_was_asked_for() {
        let error = resolve(Some("https://evil.example/"), DEFAULT, &list(&[])).unwrap_err();
        assert_eq!(error.reason.unwrap(), "Requested return_to URL \"https://evil.example/\" is not allowed.");
        assert_eq!((error.code, error.id.as_deref()), (400, Some("self_service_flow_return_to_forbidden")));
    }
}
