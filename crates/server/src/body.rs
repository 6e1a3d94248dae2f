//! Request bodies: read within limits of size and time, decoded by content type.

#[cfg(test)]
mod properties;

use axum::extract::{FromRequest as _, Multipart};
use bia_model::ApiError;
use bia_selfservice::Body;
use bytes::Bytes;
use http::{HeaderMap, Method, header};
use std::time::Duration;

/// Kratos: 5 MiB on both ports.
pub(crate) const BODY_BYTES_MAX: usize = 5 * 1024 * 1024;
/// A form has a few dozen fields; more is no form of ours.
const FIELDS_MAX: usize = 1000;

/// Reads a whole body.
///
/// # Errors
/// 413 when it is too large, 408 when it doesn't arrive in time, 400 when it breaks off.
pub(crate) async fn read(body: axum::body::Body, within: Duration) -> Result<Bytes, ApiError> {
    match tokio::time::timeout(within, axum::body::to_bytes(body, BODY_BYTES_MAX)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) if is_length_limit(&error) => {
            Err(ApiError::new(413).with_reason(format!("The request body is larger than {BODY_BYTES_MAX} bytes.")))
        }
        Ok(Err(_)) => Err(ApiError::bad_request("The request body could not be read to its end.")),
        Err(_) => {
            let mut error = ApiError::new(408).with_message("The request body did not arrive in time");
            "Request Timeout".clone_into(&mut error.status);
            Err(error)
        }
    }
}

fn is_length_limit(error: &axum::Error) -> bool {
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        if error.to_string().contains("length limit") {
            return true;
        }
        source = error.source();
    }
    false
}

/// Decodes a submitted form by its content type.
///
/// # Errors
/// 400 for a multipart body that isn't one.
pub(crate) async fn decode(method: &Method, headers: &HeaderMap, body: &Bytes) -> Result<Body, ApiError> {
    if matches!(*method, Method::GET | Method::HEAD) {
        return Ok(Body::Empty);
    }
    let sent = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let Ok(kind) = sent.parse::<mime::Mime>() else {
        return Ok(if body.is_empty() { Body::Empty } else { Body::Unknown(sent.to_owned()) });
    };
    match kind.essence_str() {
        _ if body.is_empty() => Ok(Body::Empty),
        "application/json" => Ok(Body::Json(body.to_vec())),
        "application/x-www-form-urlencoded" => {
            let pairs: Vec<_> = form_urlencoded::parse(body).into_owned().take(FIELDS_MAX + 1).collect();
            limited(pairs).map(Body::Form)
        }
        "multipart/form-data" => multipart(headers, body).await.map(Body::Form),
        _ => Ok(Body::Unknown(sent.to_owned())),
    }
}

async fn multipart(headers: &HeaderMap, body: &Bytes) -> Result<Vec<(String, String)>, ApiError> {
    let refused = || ApiError::bad_request("Unable to decode the multipart form: it does not follow its boundary.");
    let mut request = http::Request::new(axum::body::Body::from(body.clone()));
    if let Some(kind) = headers.get(header::CONTENT_TYPE) {
        request.headers_mut().insert(header::CONTENT_TYPE, kind.clone());
    }
    let mut form = Multipart::from_request(request, &()).await.map_err(|_| refused())?;
    let mut pairs = Vec::new();
    while let Some(field) = form.next_field().await.map_err(|_| refused())? {
        let name = field.name().unwrap_or_default().to_owned();
        pairs.push((name, field.text().await.map_err(|_| refused())?));
        if pairs.len() > FIELDS_MAX {
            break;
        }
    }
    limited(pairs)
}

fn limited(pairs: Vec<(String, String)>) -> Result<Vec<(String, String)>, ApiError> {
    if pairs.len() > FIELDS_MAX {
        return Err(ApiError::bad_request(format!("The form has more than {FIELDS_MAX} fields.")));
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn decoded(kind: &str, body: &'static str) -> String {
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, kind.parse().unwrap())]);
        match decode(&Method::POST, &headers, &Bytes::from_static(body.as_bytes())).await {
            Ok(Body::Empty) => "empty".to_owned(),
            Ok(Body::Json(bytes)) => format!("json {}", String::from_utf8_lossy(&bytes)),
            Ok(Body::Form(pairs)) => format!("form {pairs:?}"),
            Ok(Body::Unknown(kind)) => format!("unknown {kind}"),
            Err(error) => format!("error {}", error.code),
        }
    }

    #[tokio::test]
    async fn bodies_are_decoded_by_their_content_type() {
        assert_eq!(decoded("application/json; charset=utf-8", "{}").await, "json {}");
        assert_eq!(
            decoded("application/x-www-form-urlencoded", "a=1&a=2&b=+").await,
            r#"form [("a", "1"), ("a", "2"), ("b", " ")]"#
        );
        let form = "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--x--\r\n";
        assert_eq!(decoded("multipart/form-data; boundary=x", form).await, r#"form [("a", "1")]"#);
        assert_eq!(decoded("multipart/form-data; boundary=y", form).await, "error 400");
        assert_eq!(decoded("text/plain", "hello").await, "unknown text/plain");
        assert_eq!(decoded("text/plain", "").await, "empty");
    }

    #[tokio::test]
    async fn a_body_over_the_limit_is_refused() {
        let body = axum::body::Body::from(vec![0; BODY_BYTES_MAX + 1]);
        assert_eq!(read(body, Duration::from_secs(5)).await.unwrap_err().code, 413);
    }
}
