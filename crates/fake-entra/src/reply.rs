//! Answers in the few shapes that the stand-in gives.

use axum::body::Body;
use axum::response::Response;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION};
use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::Value;
use uuid::Uuid;

pub(crate) fn json(status: u16, value: &Value) -> Response {
    body(status, "application/json; charset=utf-8", value.to_string())
}

pub(crate) fn form(status: u16, pairs: &[(&str, &str)]) -> Response {
    let text = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    body(status, "application/x-www-form-urlencoded; charset=utf-8", text)
}

pub(crate) fn body(status: u16, content_type: &str, content: impl Into<Body>) -> Response {
    let mut response = Response::new(content.into());
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    set(&mut response, CONTENT_TYPE, content_type);
    set(&mut response, CACHE_CONTROL, "no-store, no-cache");
    set(&mut response, HeaderName::from_static("x-ms-request-id"), &Uuid::new_v4().to_string());
    response
}

pub(crate) fn redirect(to: &str) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::FOUND;
    set(&mut response, LOCATION, to);
    set(&mut response, CACHE_CONTROL, "no-store, no-cache");
    response
}

pub(crate) fn with_header(mut response: Response, name: HeaderName, value: &str) -> Response {
    set(&mut response, name, value);
    response
}

/// A value that cannot be a header (a line break from a query, say) is left out instead of splitting the answer.
fn set(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().append(name, value);
    }
}

pub(crate) fn not_found() -> Response {
    json(404, &serde_json::json!({ "error": "not_found" }))
}
