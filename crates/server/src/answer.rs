//! The shapes of answers that don't depend on a flow: JSON, errors, redirects, Go's plain texts.

use axum::body::Body;
use axum::response::Response;
use bia_model::ApiError;
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use serde::Serialize;

pub(crate) const JSON: &str = "application/json; charset=utf-8";
const ERROR_ID: HeaderName = HeaderName::from_static("ory-error-id");

/// A body of any kind.
pub(crate) fn with_body(status: u16, content_type: &'static str, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status_code(status);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// A JSON answer.
pub(crate) fn json(status: u16, value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(body) => with_body(status, JSON, body),
        Err(_) => error(&ApiError::internal("The answer could not be written as JSON.")),
    }
}

/// Kratos: errors are `application/json` without a charset, and name their id in a header.
pub(crate) fn error(error: &ApiError) -> Response {
    let body = serde_json::to_vec(&error.body()).unwrap_or_default();
    let mut response = with_body(error.code, "application/json", body);
    let id = error.id.as_deref().unwrap_or_default();
    if let Ok(id) = HeaderValue::from_str(id) {
        response.headers_mut().insert(ERROR_ID, id);
    }
    response
}

/// Nothing to say.
pub(crate) fn no_content() -> Response {
    empty(StatusCode::NO_CONTENT)
}

/// The client has this version already.
pub(crate) fn not_modified() -> Response {
    empty(StatusCode::NOT_MODIFIED)
}

/// Kratos: some 204 answers announce JSON all the same.
pub(crate) fn no_content_json() -> Response {
    let mut response = no_content();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
    response
}

fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// Go's mux for a path that isn't there.
pub(crate) fn not_found() -> Response {
    plain(404, "404 page not found\n")
}

/// Go's mux for a path that has other methods, which `allow` lists.
pub(crate) fn method_not_allowed(allow: &str) -> Response {
    let mut response = plain(405, "Method Not Allowed\n");
    if let Ok(allow) = HeaderValue::from_str(allow) {
        response.headers_mut().insert(header::ALLOW, allow);
    }
    response
}

fn plain(status: u16, text: &'static str) -> Response {
    let mut response = with_body(status, "text/plain; charset=utf-8", text);
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// A redirect as Go writes it: a small page for GET and HEAD, nothing for other methods.
pub(crate) fn redirect(method: &Method, status: u16, to: &str) -> Response {
    let status = status_code(status);
    let Some(location) = header_text(to) else {
        return error(&ApiError::internal("The redirect has no valid address."));
    };
    let mut response = empty(status);
    if matches!(*method, Method::GET | Method::HEAD) {
        let text = status.canonical_reason().unwrap_or("See Other");
        let body = format!("<a href=\"{}\">{text}</a>.\n\n", escape(to));
        response = with_body(status.as_u16(), "text/html; charset=utf-8", body);
    }
    response.headers_mut().insert(header::LOCATION, location);
    response
}

/// An address as a header: percent-encodes what a header can't hold. A line break would start another header.
fn header_text(to: &str) -> Option<HeaderValue> {
    let mut out = String::with_capacity(to.len());
    for byte in to.bytes() {
        match byte {
            b' '..=b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    HeaderValue::from_str(&out).ok()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&#34;").replace('\'', "&#39;")
}

fn status_code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_has_a_page_for_get_and_none_for_post() {
        let get = redirect(&Method::GET, 303, "http://ui/login?flow=1");
        assert_eq!(get.status(), 303);
        assert_eq!(get.headers()[header::CONTENT_TYPE], "text/html; charset=utf-8");
        assert_eq!(get.headers()[header::LOCATION], "http://ui/login?flow=1");
        let post = redirect(&Method::POST, 303, "http://ui/login?flow=1");
        assert!(post.headers().get(header::CONTENT_TYPE).is_none());
    }

    #[test]
    fn a_line_break_in_an_address_can_not_start_a_header() {
        let response = redirect(&Method::GET, 303, "http://ui/\r\nSet-Cookie: x=y");
        assert_eq!(response.headers()[header::LOCATION], "http://ui/%0D%0ASet-Cookie: x=y");
        assert!(response.headers().get(header::SET_COOKIE).is_none());
    }

    #[test]
    fn an_error_names_its_id_in_a_header() {
        let response = error(&ApiError::bad_request("no").with_id("some_id"));
        assert_eq!((response.status().as_u16(), &response.headers()[ERROR_ID]), (400, &"some_id".parse().unwrap()));
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/json");
        assert_eq!(error(&ApiError::new(404)).headers()[ERROR_ID], "");
    }
}
