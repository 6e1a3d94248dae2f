//! Addresses that may stand in `href`, `src` and `action`.

use url::Url;

/// The address if a browser can only load it: `http`, `https`, or a path on this host. Everything else
/// (`javascript:`, `data:`, `//host`) becomes `None`: a link must neither run code nor hide where it leads.
pub(crate) fn link(address: &str) -> Option<String> {
    let is_clean = |text: &str| !text.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\');
    if address.starts_with('/') && !address.starts_with("//") && is_clean(address) {
        return Some(address.to_owned());
    }
    let url = Url::parse(address).ok()?;
    // Browsers drop tabs and line breaks inside a scheme; what is shown is the parsed form, without them.
    matches!(url.scheme(), "http" | "https").then(|| url.into())
}

/// As [`link`], and pictures in the address itself.
pub(crate) fn picture(address: &str) -> Option<String> {
    let is_data = ["data:image/png;", "data:image/jpeg;", "data:image/gif;", "data:image/webp;", "data:image/svg+xml"]
        .iter()
        .any(|start| address.starts_with(start));
    if is_data && !address.chars().any(char::is_control) { Some(address.to_owned()) } else { link(address) }
}

/// `scheme://host[:port]` of an absolute http(s) address.
pub(crate) fn origin(address: &str) -> Option<String> {
    let url = Url::parse(address).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    Some(url.origin().ascii_serialization())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_run_code_or_leave_the_host_unseen_are_dropped() {
        for bad in [
            "javascript:alert(1)",
            " javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            "java\nscript:alert(1)",
            "data:text/html,<script>",
            "vbscript:x",
            "//evil.example",
            "/\\evil.example",
            "/\t/evil.example",
            "",
            "login",
            "blob:https://x.example/1",
            "file:///etc/passwd",
        ] {
            assert_eq!(link(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn web_addresses_and_paths_stay() {
        for good in ["/self-service/login?flow=1", "https://id.example/x?a=b&c=d", "http://127.0.0.1:4433/"] {
            assert_eq!(link(good).as_deref(), Some(good));
        }
    }

    #[test]
    fn only_pictures_may_be_data() {
        assert!(picture("data:image/png;base64,AA==").is_some());
        assert!(picture("data:text/html;base64,AA==").is_none());
        assert!(picture("javascript:alert(1)").is_none());
    }

    #[test]
    fn origins_hold_no_path() {
        assert_eq!(origin("https://cdn.example:8443/a/logo.svg").as_deref(), Some("https://cdn.example:8443"));
        assert_eq!(origin("/logo.svg"), None);
    }
}
