//! One structured line per request. Never a query, a header, a cookie or a body: tokens and codes travel there.

use crate::dispatch::Port;
use crate::metrics;
use crate::route::{Params, Route};
use crate::state::App;
use axum::response::Response;
use bia_config::Serve;
use http::{HeaderName, HeaderValue, Method};
use std::borrow::Cow;
use std::time::Instant;

pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
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
    route: &'static str,
    provider: Option<String>,
    is_silent: bool,
    is_finished: bool,
}

/// nginx's number for a client that closed the connection before it got an answer. It is never sent.
const CLIENT_LEFT: u16 = 499;

impl Entry {
    /// `sent_id` is the correlation id of a trusted proxy; without one a new id is made.
    pub(crate) fn begin(app: &App, port: Port, method: &Method, path: &str, sent_id: Option<&str>) -> Self {
        let mut entry = Self::of(port, method, path, sent_id);
        entry.is_silent = is_silent(&app.deps.config.serve, port, path);
        entry
    }

    fn of(port: Port, method: &Method, path: &str, sent_id: Option<&str>) -> Self {
        let path = without_external_id(path);
        let cut = path.char_indices().map(|(index, _)| index).take_while(|index| *index < PATH_BYTES_MAX).count();
        Self {
            port,
            method: method.clone(),
            path: path.chars().take(cut).collect(),
            request_id: sent_id.map_or_else(|| uuid::Uuid::new_v4().to_string(), str::to_owned),
            started: Instant::now(),
            operation: "",
            route: "",
            provider: None,
            is_silent: false,
            is_finished: false,
        }
    }

    pub(crate) fn request_id(&self) -> &str {
        &self.request_id
    }

    /// The row that answers, and the provider that its path names.
    pub(crate) fn found(&mut self, route: &'static Route, params: &Params) {
        self.operation = route.operation;
        self.route = route.path;
        self.provider = params.iter().find(|(name, _)| *name == "provider").map(|(_, value)| value.clone());
    }

    /// Writes the line, counts the request, and names it to the client.
    pub(crate) fn finish(mut self, response: &mut Response) {
        self.is_finished = true;
        if let Ok(value) = HeaderValue::from_str(&self.request_id) {
            response.headers_mut().insert(REQUEST_ID, value);
        }
        self.write(response.status().as_u16());
    }

    fn write(&self, status: u16) {
        let elapsed = self.started.elapsed();
        metrics::request(self.port, self.route, &self.method, status, elapsed);
        if self.is_silent {
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
}

/// A client that leaves takes the handler with it, and would take the line, too.
impl Drop for Entry {
    fn drop(&mut self) {
        if !self.is_finished {
            self.write(CLIENT_LEFT);
        }
    }
}

/// An external id is what applications call people by, often an address: personal data, which a log must not keep.
/// Judged by the path and not by the row, so that a refused method or a redirect shows none either.
fn without_external_id(path: &str) -> Cow<'_, str> {
    match path.split_once("/external/") {
        Some((before, _)) => Cow::Owned(format!("{before}/external/{{externalID}}")),
        None => Cow::Borrowed(path),
    }
}

fn is_silent(serve: &Serve, port: Port, path: &str) -> bool {
    let path = path.strip_prefix("/admin").unwrap_or(path);
    match port {
        Port::Public => {
            serve.public.request_log.disable_for_health && matches!(path, "/health/alive" | "/health/ready")
        }
        Port::Admin => {
            serve.admin.request_log.disable_for_health
                && matches!(path, "/health/alive" | "/health/ready" | "/metrics/prometheus")
        }
    }
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
    fn the_external_id_of_somebody_is_not_logged() {
        for (path, logged) in [
            ("/admin/identities/by/external/alice@example.com", "/admin/identities/by/external/{externalID}"),
            ("/identities/by/external/alice@example.com/x", "/identities/by/external/{externalID}"),
            ("/identities/by//external//alice@example.com", "/identities/by//external/{externalID}"),
            (
                "/admin/identities/00000000-0000-0000-0000-000000000001",
                "/admin/identities/00000000-0000-0000-0000-000000000001",
            ),
        ] {
            assert_eq!(Entry::of(Port::Admin, &Method::GET, path, None).path, logged);
        }
    }

    #[test]
    fn long_paths_are_cut_at_a_character() {
        let path = format!("/{}", "ä".repeat(400));
        let entry = Entry::of(Port::Public, &Method::GET, &path, None);
        assert!(entry.path.len() <= 2 * PATH_BYTES_MAX && entry.path.starts_with("/ää"));
    }
}
