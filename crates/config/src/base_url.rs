//! An external address of the server, kept both as written and parsed.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use url::Url;

/// `serve.public.base_url` and its like: the text exactly as the operator wrote it, beside the parsed URL.
///
/// Both are kept because Kratos hashes the text (the name of its CSRF cookie) while links are built from the URL.
///
/// ```
/// let base: bia_config::BaseUrl = "https://id.contoso.com/auth/".parse().unwrap();
/// assert_eq!(base.join_path("/self-service/login/browser"), "https://id.contoso.com/auth/self-service/login/browser");
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct BaseUrl {
    text: String,
    url: Url,
    is_usable: bool,
}

/// Why a text is no base URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected an absolute http or https URL with a host, such as `https://id.example.com/`")]
pub struct BaseUrlError;

impl BaseUrl {
    /// Kratos' default address: `<scheme>://<host>:<port>/`. A host that fits no URL becomes `localhost`.
    pub(crate) fn of_host(scheme: &str, host: &str, port: u16) -> Self {
        // An IPv6 address needs brackets.
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        format!("{scheme}://{host}:{port}/").parse().unwrap_or_else(|_| Self::local(scheme, port))
    }

    fn local(scheme: &str, port: u16) -> Self {
        let text = format!("{scheme}://localhost:{port}/");
        let url = Url::parse(&text).expect("a literal host and a number make a URL");
        Self { text, url, is_usable: true }
    }

    /// Reads any text. Kratos starts with a base URL that no browser can call and fails at somebody's login; so that Bia
    /// can start as well, and say so, such a text is kept and [`BaseUrl::is_usable`] is false.
    pub(crate) fn lenient(text: &str) -> Self {
        text.parse().unwrap_or_else(|BaseUrlError| Self {
            text: text.to_owned(),
            is_usable: false,
            ..Self::local("http", 80)
        })
    }

    /// Whether browsers can call it: an absolute http or https URL with a host.
    pub fn is_usable(&self) -> bool {
        self.is_usable
    }

    /// The URL as written in the configuration, with or without its closing slash.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The parsed URL, for its scheme, host and port.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Appends an absolute path (and query) without ever writing a double slash between the two.
    pub fn join_path(&self, path: &str) -> String {
        // Kratos: a query or fragment in the base URL does not survive into generated links.
        let base = self.text.split(['?', '#']).next().unwrap_or_default();
        format!("{}/{}", base.trim_end_matches('/'), path.trim_start_matches('/'))
    }

    /// Whether browsers reach this address over TLS.
    pub fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }
}

impl std::str::FromStr for BaseUrl {
    type Err = BaseUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url = Url::parse(text).map_err(|_| BaseUrlError)?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
            return Err(BaseUrlError);
        }
        Ok(Self { text: text.to_owned(), url, is_usable: true })
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

impl<'de> Deserialize<'de> for BaseUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::lenient(&String::deserialize(deserializer)?))
    }
}

impl Serialize for BaseUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl JsonSchema for BaseUrl {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "BaseUrl".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "uri" })
    }
}

#[cfg(test)]
mod tests {
    use super::BaseUrl;

    #[test]
    fn the_text_stays_as_written_and_links_have_one_slash() {
        for text in ["http://127.0.0.1:4433", "http://127.0.0.1:4433/"] {
            let base: BaseUrl = text.parse().expect(text);
            assert_eq!(base.as_str(), text);
            assert_eq!(base.join_path("/sessions/whoami"), "http://127.0.0.1:4433/sessions/whoami");
        }
    }

    #[test]
    fn addresses_a_browser_cannot_call_are_refused() {
        for bad in ["", "/kratos", "id.example.com", "file:///x", "https://", "javascript:alert(1)"] {
            assert!(bad.parse::<BaseUrl>().is_err(), "{bad}");
        }
    }
}
