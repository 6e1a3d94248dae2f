//! Where a mapper, schema or web-hook template comes from: `file://`, `base64://` or `http(s)://`.

use std::fmt;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};
use url::Url;

/// A text that the configuration points at. Parsing never fails: Kratos finds a bad source at somebody's login, so Bia
/// reports it as advice at start and as an error when it is used.
///
/// Its `Debug` and `Display` never show inline content, which may be long and may hold names of people.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Source {
    /// `file://mappers/microsoft.jsonnet` (relative to the working directory) or `file:///etc/bia/microsoft.jsonnet`.
    File(PathBuf),
    /// `base64://` and the encoded text after it; decoded with [`Source::decode`].
    Base64(String),
    /// `http://` or `https://`, fetched at first use and never at start.
    Http(Url),
    /// Any other scheme. Kratos accepts it at start and fails when it is used.
    Other(String),
}

/// Why an inline source cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the text after `base64://` is not standard base64 with padding")]
pub struct Base64Error;

impl Source {
    /// Reads the text of a configuration key.
    pub fn parse(text: &str) -> Self {
        if let Some(path) = text.strip_prefix("file://") {
            // Kratos: everything after `file://` is the path as it stands, without percent-decoding.
            return Self::File(PathBuf::from(path));
        }
        if let Some(encoded) = text.strip_prefix("base64://") {
            return Self::Base64(encoded.to_owned());
        }
        if (text.starts_with("http://") || text.starts_with("https://"))
            && let Ok(url) = Url::parse(text)
        {
            return Self::Http(url);
        }
        Self::Other(text.to_owned())
    }

    /// Decodes the content of a `base64://` source; `None` for the other kinds.
    ///
    /// Kratos: only the standard alphabet with padding counts; the URL alphabet and missing padding are errors.
    pub fn decode(&self) -> Option<Result<Vec<u8>, Base64Error>> {
        match self {
            Self::Base64(encoded) => {
                let text: String = encoded.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
                Some(STANDARD.decode(text).map_err(|_| Base64Error))
            }
            _ => None,
        }
    }

    /// The file to read, for `file://` sources.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            _ => None,
        }
    }

    /// The source as it would be written in `kratos.yml`. It may be long: `Display` is the form for logs.
    pub fn to_text(&self) -> String {
        match self {
            Self::File(path) => format!("file://{}", path.display()),
            Self::Base64(encoded) => format!("base64://{encoded}"),
            Self::Http(url) => url.as_str().to_owned(),
            Self::Other(text) => text.clone(),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "file://{}", path.display()),
            Self::Base64(encoded) => write!(f, "base64:// ({} characters)", encoded.len()),
            // User name, password and query of a URL can be credentials.
            Self::Http(url) => write!(f, "{}://{}{}", url.scheme(), url.host_str().unwrap_or_default(), url.path()),
            Self::Other(text) => write!(f, "a source with the scheme `{}`", text.split(':').next().unwrap_or_default()),
        }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Source({self})")
    }
}

impl<'de> Deserialize<'de> for Source {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::parse(&String::deserialize(deserializer)?))
    }
}

impl JsonSchema for Source {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Source".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "uri" })
    }
}

/// A web-hook body: a [`Source`], or the bare path that older Kratos files use.
pub(crate) fn or_bare_path<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Source>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.map(|text| match Source::parse(&text) {
        Source::Other(text) if !text.contains("://") => Source::File(PathBuf::from(text)),
        source => source,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_scheme_is_recognised() {
        assert_eq!(Source::parse("file://mappers/a.jsonnet").path(), Some(Path::new("mappers/a.jsonnet")));
        assert_eq!(Source::parse("file:///etc/a%20b").path(), Some(Path::new("/etc/a%20b")));
        assert!(matches!(Source::parse("https://example.com/m.jsonnet"), Source::Http(_)));
        assert!(matches!(Source::parse("gopher://127.0.0.1/x"), Source::Other(_)));
    }

    #[test]
    fn only_padded_standard_base64_is_decoded() {
        assert_eq!(Source::parse("base64://e30=").decode(), Some(Ok(b"{}".to_vec())));
        assert_eq!(Source::parse("base64://").decode(), Some(Ok(Vec::new())));
        assert_eq!(Source::parse("base64://e30").decode(), Some(Err(Base64Error)));
        assert_eq!(Source::parse("base64://-_-_").decode(), Some(Err(Base64Error)));
        assert_eq!(Source::parse("file://x").decode(), None);
    }

    #[test]
    fn inline_content_and_url_credentials_are_not_printed() {
        let inline = Source::parse("base64://c2VjcmV0LW1hcHBlcg==");
        let remote = Source::parse("https://user:hunter2@example.com/m.jsonnet?sig=hunter2");
        let text = format!("{inline:?} {inline} {remote:?} {remote}");
        assert!(!text.contains("c2VjcmV0") && !text.contains("hunter2"), "{text}");
    }
}
