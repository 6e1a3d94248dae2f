//! One structured line per request. Never a query, a header, a cookie or a body: tokens and codes travel there.

use crate::dispatch::Port;
use crate::metrics;
use crate::route::{Params, Route};
use crate::state::App;
use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use std::time::Instant;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longer paths are cut: they are somebody else's text.
const PATH_BYTES_MAX: usize = 256;

/// The line of one request, filled while it is served.
pub(crate) struct Entry {
    port: Port,
    method: Method,
    path: String,
    request_id: String,
    started: Instant,
    operation: &'static str,
    provider: Option<String>,
}

impl Entry {
    pub(crate) fn begin(port: Port, method: &Method, path: &str, headers: &HeaderMap) -> Self {
        let cut = path.char_indices().map(|(index, _)| index).take_while(|index| *index < PATH_BYTES_MAX).count();
        Self {
            port,
            method: method.clone(),
            path: path.chars().take(cut).collect(),
            request_id: sent_request_id(headers).unwrap_or_else(|| uuid::Uuid::new_v4().to_string()),
            started: Instant::now(),
            operation: "",
            provider: None,
        }
    }

    pub(crate) fn request_id(&self) -> &str {
        &self.request_id
    }

    /// The row that answers, and the provider that its path names.
    pub(crate) fn found(&mut self, route: &'static Route, params: &Params) {
        self.operation = route.operation;
        self.provider = params.iter().find(|(name, _)| *name == "provider").map(|(_, value)| value.clone());
    }

    /// Writes the line, counts the request, and names it to the client.
    pub(crate) fn finish(self, app: &App, response: &mut Response) {
        let elapsed = self.started.elapsed();
        let status = response.status().as_u16();
        metrics::request(self.port, self.operation, &self.method, status, elapsed);
        if let Ok(value) = HeaderValue::from_str(&self.request_id) {
            response.headers_mut().insert(REQUEST_ID, value);
        }
        if self.is_silent(app) {
            return;
        }
        tracing::info!(
            port = port_name(self.port),
            method = %self.method,
            path = self.path,
            operation = self.operation,
            flow = flow_kind(&self.path),
            provider = self.provider,
            status,
            ms = elapsed.as_secs_f64() * 1000.0,
            request_id = self.request_id,
            "request"
        );
    }

    fn is_silent(&self, app: &App) -> bool {
        let serve = &app.deps.config.serve;
        let path = self.path.strip_prefix("/admin").unwrap_or(&self.path);
        match self.port {
            Port::Public => {
                serve.public.request_log.disable_for_health && matches!(path, "/health/alive" | "/health/ready")
            }
            Port::Admin => {
                serve.admin.request_log.disable_for_health
                    && matches!(path, "/health/alive" | "/health/ready" | "/metrics/prometheus")
            }
        }
    }
}

/// `X-Request-ID` as the client sent it, if it is fit for a log line and an error body.
pub(crate) fn sent_request_id(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(&REQUEST_ID)?.to_str().ok()?;
    let fits = !text.is_empty() && text.len() <= 128 && text.bytes().all(|byte| byte.is_ascii_graphic());
    fits.then(|| text.to_owned())
}

fn flow_kind(path: &str) -> Option<&'static str> {
    match path.strip_prefix("/self-service/")?.split('/').next()? {
        "login" => Some("login"),
        "registration" => Some("registration"),
        "settings" => Some("settings"),
        "logout" => Some("logout"),
        _ => None,
    }
}

pub(crate) const fn port_name(port: Port) -> &'static str {
    match port {
        Port::Public => "public",
        Port::Admin => "admin",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_id_that_could_forge_a_log_line_is_not_taken() {
        let id =
            |text: &'static str| sent_request_id(&HeaderMap::from_iter([(REQUEST_ID, HeaderValue::from_static(text))]));
        assert_eq!(id("req-1").as_deref(), Some("req-1"));
        assert_eq!(id("a b"), None);
        assert_eq!(id(""), None);
    }

    #[test]
    fn long_paths_are_cut_at_a_character() {
        let path = format!("/{}", "ä".repeat(400));
        let entry = Entry::begin(Port::Public, &Method::GET, &path, &HeaderMap::new());
        assert!(entry.path.len() <= 2 * PATH_BYTES_MAX && entry.path.starts_with("/ää"));
    }
}
