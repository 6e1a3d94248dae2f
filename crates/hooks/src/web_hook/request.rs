//! The HTTP message of a call: method, headers, credentials and the evaluated body.

use std::collections::BTreeMap;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use bia_config::{ApiKeyLocation, ExposeSecret as _, WebHookAuth};
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use url::Url;

use super::failure::Failure;
use super::options::{Encoding, Options};
use crate::services::{Bodies, BodyError};

/// One message, ready to be sent as often as needed.
#[derive(Clone)]
pub(super) struct Message {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Option<String>,
}

impl Message {
    /// Puts the message together; evaluates the template unless the method carries no body.
    pub(super) async fn build(options: &Options, bodies: &dyn Bodies, context: &str) -> Result<Self, Failure> {
        let body = match (options.has_body(), &options.body) {
            (false, _) => None,
            // Kratos: both sentences word for word.
            (true, None) => {
                return Err(Failure::Misconfigured("got empty template path for request with body"));
            }
            (true, Some(_)) if options.encoding == Encoding::Unknown => {
                return Err(Failure::Misconfigured("invalid config - incorrect Content-Type for request with body"));
            }
            (true, Some(source)) => {
                let text = bodies.evaluate(source, context).await.map_err(Failure::Body)?;
                Some(if options.encoding == Encoding::Form { form(&text)? } else { text })
            }
        };
        Ok(Self { method: options.method.clone(), url: options.url.clone(), headers: headers(options), body })
    }
}

impl Failure {
    /// The template asked not to call.
    pub(super) fn is_cancel(&self) -> bool {
        matches!(self, Self::Body(BodyError::Cancelled))
    }
}

fn headers(options: &Options) -> HeaderMap {
    let mut headers = HeaderMap::new();
    // Kratos: receivers may filter by it, so it is what they know.
    headers.insert(USER_AGENT, HeaderValue::from_static("Go-http-client/1.1"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in &options.headers {
        set(&mut headers, name, value.expose_secret());
    }
    match &options.auth {
        Some(WebHookAuth::BasicAuth { user, password }) => {
            let pair = BASE64_STANDARD.encode(format!("{user}:{}", password.expose_secret()));
            set(&mut headers, AUTHORIZATION.as_str(), &format!("Basic {pair}"));
        }
        Some(WebHookAuth::ApiKey { name, value, location: ApiKeyLocation::Header }) => {
            set(&mut headers, name, value.expose_secret());
        }
        Some(WebHookAuth::ApiKey { name, value, location: ApiKeyLocation::Cookie }) => {
            let earlier = headers.get(COOKIE).and_then(|value| value.to_str().ok()).map(|value| format!("{value}; "));
            let cookies = format!("{}{name}={}", earlier.unwrap_or_default(), value.expose_secret());
            set(&mut headers, COOKIE.as_str(), &cookies);
        }
        None => {}
    }
    headers
}

/// Names and values were checked when the settings were read, so none is left out here.
fn set(headers: &mut HeaderMap, name: &str, value: &str) {
    if value.is_empty() && name.eq_ignore_ascii_case("content-type") {
        return;
    }
    if let (Ok(name), Ok(mut value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
        value.set_sensitive(true);
        headers.insert(name, value);
    }
}

/// Kratos: a flat object of strings, sorted by name; null counts as empty.
fn form(text: &str) -> Result<String, Failure> {
    let pairs: BTreeMap<String, Option<String>> = serde_json::from_str(text).map_err(|_| Failure::NotAForm)?;
    let pairs = pairs.iter().map(|(name, value)| (name.as_str(), value.as_deref().unwrap_or_default()));
    Ok(url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish())
}
