//! The settings of one web hook, checked once so that a request can't fail on them.

use std::fmt;

use bia_config::{ApiKeyLocation, ExposeSecret as _, SecretString, WebHookAuth, WebHookConfig};
use reqwest::Method;
use reqwest::header::{HeaderName, HeaderValue};
use url::Url;

/// How the body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Json,
    Form,
    /// A `Content-Type` that Kratos has no body for; each call fails.
    Unknown,
}

/// A checked web hook. Shows neither path, headers nor credentials when it is printed.
pub struct Options {
    label: String,
    pub(super) url: Url,
    pub(super) method: Method,
    pub(super) headers: Vec<(String, SecretString)>,
    /// Where the body template comes from, as written.
    pub(super) body: Option<String>,
    pub(super) encoding: Encoding,
    pub(super) auth: Option<WebHookAuth>,
    pub(super) emit_ids: bool,
    pub(super) parse: bool,
    can_interrupt: bool,
    ignore: bool,
}

impl Options {
    /// Checks the settings of the configuration.
    ///
    /// # Errors
    /// A sentence that names the key, never its value.
    pub fn new(config: &WebHookConfig) -> Result<Self, String> {
        let url = Url::parse(&config.url).map_err(|error| format!("`url` can't be read: {error}"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err("`url` has to begin with http:// or https://".to_owned());
        }
        let method = Method::from_bytes(config.method.as_bytes())
            .map_err(|_| "`method` is no HTTP method; write it as in `POST`".to_owned())?;
        if config.response.ignore && (config.response.parse || config.can_interrupt) {
            return Err(
                "`response.ignore` excludes `response.parse` and `can_interrupt`; leave one of them out".to_owned()
            );
        }
        let headers = headers(config)?;
        let encoding = encoding(&headers);
        let options = Self {
            label: label(config, &url),
            url,
            method,
            headers,
            body: config.body.as_ref().map(bia_config::Source::to_text),
            encoding,
            auth: config.auth.clone(),
            emit_ids: config.emit_analytics_event,
            parse: config.response.parse,
            can_interrupt: config.can_interrupt,
            ignore: config.response.ignore,
        };
        options.check_auth()?;
        Ok(options)
    }

    /// The configured `id`, or the host, for logs.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// The answer may refuse the flow.
    pub fn interrupts(&self) -> bool {
        self.parse || self.can_interrupt
    }

    /// Nobody waits for the answer.
    pub fn ignores_response(&self) -> bool {
        self.ignore
    }

    /// TRACE alone carries no body.
    pub(super) fn has_body(&self) -> bool {
        self.method != Method::TRACE
    }

    /// What will make every call fail. Kratos starts with it all the same, and so does Bia.
    pub fn advice(&self) -> Option<String> {
        if self.has_body() && self.body.is_none() {
            Some("this web_hook has no `body`, so every call will fail; give it a Jsonnet template".to_owned())
        } else if self.has_body() && self.encoding == Encoding::Unknown {
            Some("this web_hook's `Content-Type` is neither application/json nor application/x-www-form-urlencoded, so every call will fail".to_owned())
        } else {
            None
        }
    }

    fn check_auth(&self) -> Result<(), String> {
        match &self.auth {
            Some(WebHookAuth::ApiKey { name, value, location }) => {
                let carried = match location {
                    ApiKeyLocation::Header => HeaderName::try_from(name.as_str()).is_ok(),
                    // A separator would smuggle further cookies in.
                    ApiKeyLocation::Cookie => !name.is_empty() && !name.contains([';', '=', ' ', ',']),
                };
                if !carried {
                    return Err("`auth.config.name` can't be the name of a header or cookie".to_owned());
                }
                if HeaderValue::try_from(value.expose_secret()).is_err() {
                    return Err("`auth.config.value` holds characters that HTTP can't carry".to_owned());
                }
                Ok(())
            }
            Some(WebHookAuth::BasicAuth { .. }) | None => Ok(()),
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("label", &self.label)
            .field("host", &self.url.host_str())
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}

fn label(config: &WebHookConfig, url: &Url) -> String {
    match &config.id {
        Some(id) if !id.is_empty() => id.clone(),
        _ => url.host_str().unwrap_or("web_hook").to_owned(),
    }
}

fn headers(config: &WebHookConfig) -> Result<Vec<(String, SecretString)>, String> {
    config
        .headers
        .iter()
        .map(|(name, value)| {
            if HeaderName::try_from(name.as_str()).is_err() {
                return Err(format!("`headers` has the name {name:?}, which HTTP can't carry"));
            }
            if HeaderValue::try_from(value.expose_secret()).is_err() {
                return Err(format!("`headers.{name}` holds characters that HTTP can't carry"));
            }
            Ok((name.clone(), value.clone()))
        })
        .collect()
}

fn encoding(headers: &[(String, SecretString)]) -> Encoding {
    let content_type = headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("content-type"))
        .map(|(_, value)| value.expose_secret());
    let Some(content_type) = content_type.filter(|value| !value.is_empty()) else {
        return Encoding::Json;
    };
    match content_type.split(';').next().unwrap_or_default().trim() {
        "application/json" => Encoding::Json,
        "application/x-www-form-urlencoded" => Encoding::Form,
        _ => Encoding::Unknown,
    }
}
