//! What happens to every request of a port, in order: limits, CORS, anti-CSRF, routing, and what each answer
//! carries (contract §1.1). A panic below becomes a 500 and takes nothing else with it.

use crate::answer;
use crate::body;
use crate::call::Call;
use crate::client::{self, Client, Peer};
use crate::cookies;
use crate::csrf::{self, Layer};
use crate::negotiate::Negotiated;
use crate::query::Query;
use crate::rate_limit;
use crate::request_log::Entry;
use crate::route::{self, Found, Params, Route};
use crate::router;
use crate::state::{App, State};
use crate::trace_context;
use axum::body::Body;
use axum::response::Response;
use bia_model::{ApiError, Timestamp};
use bia_selfservice::Csrf;
use futures_util::FutureExt as _;
use http::request::Parts;
use http::{HeaderValue, Method, Request, header};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tracing::Instrument as _;

/// Which listener a request came in on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Port {
    Public,
    Admin,
}

/// The connection a request came in on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Connection {
    pub(crate) port: Port,
    pub(crate) peer: Peer,
    pub(crate) tls: bool,
}

impl Port {
    /// Kratos: time for reading a request.
    const fn read_limit(self) -> Duration {
        Duration::from_secs(match self {
            Self::Public => 15,
            Self::Admin => 30,
        })
    }

    /// Kratos: time for an answer, from the end of the request's headers.
    pub(crate) const fn answer_limit(self) -> Duration {
        Duration::from_secs(match self {
            Self::Public => 60,
            Self::Admin => 120,
        })
    }
}

/// Answers one request, whatever happens, and writes its log line.
pub(crate) async fn serve(state: State, connection: Connection, request: Request<Body>) -> Response {
    let app = state.current();
    let bia = &app.deps.config.bia;
    let (headers, path) = (request.headers(), request.uri().path());
    let sent = trace_context::Sent::read(connection.peer, headers, bia);
    let mut entry = Entry::begin(&app, connection.port, request.method(), path, sent.request_id.as_deref());
    let subject = bia_telemetry::request::Request {
        id: entry.request_id().to_owned(),
        ip_address: client::address(connection.peer, headers, bia),
        user_agent: headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).map(str::to_owned),
    };
    let span = trace_context::span(connection.port, request.method(), entry.request_id());
    if let Some(parent) = &sent.traceparent {
        bia_telemetry::trace::adopt(&span, parent);
    }
    let work = async {
        let work = handle(&app, connection, request, sent.request_id, &mut entry);
        let mut response = AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|_| {
            tracing::error!("a request handler panicked");
            answer::error(&ApiError::internal("The server met an unexpected condition. Please try again."))
        });
        trace_context::answered(&span, response.status());
        entry.finish(&mut response);
        response
    };
    bia_telemetry::request::scope(subject, work.instrument(span.clone())).await
}

async fn handle(
    app: &Arc<App>,
    connection: Connection,
    request: Request<Body>,
    sent_id: Option<String>,
    entry: &mut Entry,
) -> Response {
    let (parts, request_body) = request.into_parts();
    if connection.port == Port::Public
        && let Some(response) = app.cors.preflight(&parts.method, &parts.headers)
    {
        return response;
    }
    let call = arrive(app, connection, parts, sent_id);
    match connection.port {
        Port::Public => public(call, request_body, entry).await,
        Port::Admin => admin(call, request_body, entry).await,
    }
}

async fn public(mut call: Call, request_body: Body, entry: &mut Entry) -> Response {
    let (app, method, headers) = (call.app.clone(), call.method.clone(), call.headers.clone());
    let layer = csrf::layer(&call.path);
    let issued = call.csrf.token.clone();
    let needs_cookie = layer == Layer::On && !call.csrf.cookie_sent;
    let mut response = match clean_path(&call.path) {
        Some(clean) => answer::redirect(&method, 307, &crate::redirects::with_query(&call, clean)),
        None => match route::find(router::public(), &method, &call.path) {
            Found::Route(route, params) => match forged(&call, layer) {
                Some(error) => answer::error(&error),
                None => {
                    call.params = params;
                    run(route, call, request_body, Port::Public, entry).await
                }
            },
            Found::OtherMethods(allow) => answer::method_not_allowed(&allow),
            Found::Nothing => answer::not_found(),
        },
    };
    if needs_cookie && !sets_cookie(&response, app.cookies.csrf_name()) {
        cookies::append(response.headers_mut(), &app.cookies.csrf(&issued));
    }
    if layer != Layer::Bypassed {
        response.headers_mut().append(header::VARY, HeaderValue::from_static("Cookie"));
    }
    app.cors.apply(&headers, response.headers_mut());
    no_cache(&method, &mut response);
    response
}

async fn admin(mut call: Call, request_body: Body, entry: &mut Entry) -> Response {
    let method = call.method.clone();
    if is_of_another_site(&call) {
        return answer::error(&ApiError::forbidden(
            "A page of another site made this request in a browser; the admin API changes nothing for such pages. Call it from a program, or from a page that is served under the same site.",
        ));
    }
    if !call.path.starts_with("/admin") {
        call.path = format!("/admin{}", call.path);
    }
    let mut response = match clean_path(&call.path) {
        Some(clean) => answer::redirect(&method, 307, &crate::redirects::with_query(&call, clean)),
        None => match route::find(router::admin(), &method, &call.path) {
            Found::Route(route, params) => {
                call.params = params;
                run(route, call, request_body, Port::Admin, entry).await
            }
            Found::OtherMethods(allow) => answer::method_not_allowed(&allow),
            Found::Nothing if belongs_to_public(&call.path) => crate::redirects::to_public_response(&call),
            Found::Nothing => answer::not_found(),
        },
    };
    no_cache(&method, &mut response);
    response
}

/// The admin port asks nobody who they are, and a browser on the operator's machine reaches it as well as the operator:
/// without this, any page of the web could create and delete people there by a plain form (CSRF). Browsers say where
/// a request comes from, and programs don't send this header at all.
fn is_of_another_site(call: &Call) -> bool {
    csrf::is_unsafe(&call.method) && call.header("sec-fetch-site") == Some("cross-site")
}

/// Kratos: flows and schemas asked for on the admin port are to be had on the public one.
fn belongs_to_public(path: &str) -> bool {
    path == "/admin/schemas"
        || ["/admin/self-service/", "/admin/schemas/", "/admin/.well-known/"]
            .iter()
            .any(|prefix| path.starts_with(prefix))
}

async fn run(route: &'static Route, mut call: Call, request_body: Body, port: Port, entry: &mut Entry) -> Response {
    entry.found(route, &call.params);
    trace_context::routed(&call.method, route.path);
    if route.is_limited
        && let Some(limits) = &call.app.rate_limits
        && let Err(refused) = limits.admit(&call, route)
    {
        return rate_limit::refuse(&call, route, &refused);
    }
    let request_id = call.request_id.clone();
    let answer = async {
        call.body = body::read(request_body, port.read_limit()).await?;
        (route.run)(call).await
    };
    // Here, and not around everything: an answer that comes too late is logged and counted like any other.
    let answered = tokio::time::timeout(port.answer_limit(), answer).await;
    answered.unwrap_or_else(|_| Err(ApiError::new(504))).unwrap_or_else(|mut error| {
        error.request = request_id;
        answer::error(&error)
    })
}

/// Understands what doesn't need the body.
fn arrive(app: &Arc<App>, connection: Connection, parts: Parts, sent_id: Option<String>) -> Call {
    let path_and_query = parts.uri.path_and_query().map_or("/", |value| value.as_str());
    let bia = &app.deps.config.bia;
    let sent = cookies::parse(&parts.headers);
    let token = sent
        .iter()
        .find(|(name, value)| name == app.cookies.csrf_name() && bia_selfservice::csrf::is_token(value))
        .map(|(_, value)| value.clone());
    let csrf = Csrf {
        cookie_sent: token.is_some(),
        token: token.unwrap_or_else(bia_selfservice::csrf::new_token),
        any_cookie_sent: !sent.is_empty(),
        header: parts.headers.get("x-csrf-token").and_then(|value| value.to_str().ok()).map(str::to_owned),
    };
    Call {
        client: Client::new(connection.peer, connection.tls, path_and_query, &parts.headers, bia),
        query: Query::parse(parts.uri.query().unwrap_or_default()),
        path: parts.uri.path().to_owned(),
        params: Params::new(),
        cookies: sent,
        body: bytes::Bytes::new(),
        opened_cookie: OnceLock::new(),
        now: Timestamp::from(time::OffsetDateTime::now_utc()),
        negotiated: Negotiated::from_headers(&parts.headers),
        csrf,
        request_id: sent_id,
        method: parts.method,
        headers: parts.headers,
        app: app.clone(),
    }
}

/// Refuses a changing request that a page of another origin may have made with this browser's cookies.
fn forged(call: &Call, layer: Layer) -> Option<ApiError> {
    if layer != Layer::On || !csrf::is_unsafe(&call.method) {
        return None;
    }
    let sent = call.csrf.header.as_deref();
    let fits = sent.is_some_and(|sent| call.csrf.cookie_sent && bia_selfservice::csrf::matches(&call.csrf.token, sent));
    (!fits).then(|| bia_selfservice::csrf::violation(&call.anonymous_context(), sent.is_some()))
}

fn sets_cookie(response: &Response, name: &str) -> bool {
    let starts =
        |value: &HeaderValue| value.as_bytes().strip_prefix(name.as_bytes()).is_some_and(|rest| rest.starts_with(b"="));
    response.headers().get_all(header::SET_COOKIE).iter().any(starts)
}

/// Kratos: every GET, whatever its answer. Only the pages' assets say otherwise.
fn no_cache(method: &Method, response: &mut Response) {
    if method == Method::GET && !response.headers().contains_key(header::CACHE_CONTROL) {
        let value = HeaderValue::from_static("private, no-cache, no-store, must-revalidate");
        response.headers_mut().insert(header::CACHE_CONTROL, value);
    }
}

/// Go's mux redirects a path with empty or dot segments to its clean form; `None` when it is clean.
fn clean_path(path: &str) -> Option<String> {
    let mut clean: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                clean.pop();
            }
            segment => clean.push(segment),
        }
    }
    // A browser reads a backslash as a slash, and `/\evil.example` as another host (open redirect).
    let mut out = format!("/{}", clean.join("/").replace('\\', "%5C"));
    if path.ends_with('/') && out.len() > 1 {
        out.push('/');
    }
    (out != path).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::clean_path;

    #[test]
    fn unclean_paths_lead_to_their_clean_form_on_this_host() {
        assert_eq!(clean_path("/health/alive"), None);
        assert_eq!(clean_path("/health/alive/"), None);
        assert_eq!(clean_path("/"), None);
        assert_eq!(clean_path("//health/alive").as_deref(), Some("/health/alive"));
        // A path that begins with two slashes would name another host in a Location header.
        assert_eq!(clean_path("//evil.example/x").as_deref(), Some("/evil.example/x"));
        // A browser would take the backslash for the second slash.
        assert_eq!(clean_path("//\\evil.example/x").as_deref(), Some("/%5Cevil.example/x"));
        assert_eq!(clean_path("/a/../../b/./c").as_deref(), Some("/b/c"));
    }
}
