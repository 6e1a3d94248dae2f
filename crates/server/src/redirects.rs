//! From one port to the other: a route asked for on the wrong port answers 307 with its right address.

use crate::answer;
use crate::call::Call;
use crate::route::Answer;
use axum::response::Response;

/// An admin route on the public port.
pub(crate) async fn to_admin(call: Call) -> Answer {
    let path = call.path.strip_prefix("/admin").unwrap_or(&call.path);
    let to = call.deps().config.admin_url().join_path(&format!("/admin{path}"));
    Ok(answer::redirect(&call.method, 307, &with_query(&call, to)))
}

/// A public route on the admin port.
pub(crate) async fn to_public(call: Call) -> Answer {
    Ok(to_public_response(&call))
}

pub(crate) fn to_public_response(call: &Call) -> Response {
    let path = call.path.strip_prefix("/admin").unwrap_or(&call.path);
    let to = call.deps().config.public_url().join_path(path);
    answer::redirect(&call.method, 307, &with_query(call, to))
}

/// The address with the query of the request.
pub(crate) fn with_query(call: &Call, to: String) -> String {
    // As it was sent: parameters of a provider must not change their spelling on the way.
    match call.client.url.split_once('?') {
        Some((_, query)) if !query.is_empty() => format!("{to}?{query}"),
        _ => to,
    }
}
