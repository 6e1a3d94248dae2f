//! Lets the fault of an endpoint happen.

use axum::body::{Body, Bytes};
use axum::response::Response;
use http::HeaderName;
use http::header::RETRY_AFTER;

use super::{EndpointFault, Strike};
use crate::access_log::Endpoint;
use crate::listener::ResetSwitch;
use crate::oauth_error::OAuthError;
use crate::reply;

/// What is left to do after an endpoint's fault.
pub(crate) enum Struck {
    /// The fault was the answer.
    Answered(Response),
    /// Answer as always.
    GoOn,
    /// `authorize` redirects with this error.
    Redirect(OAuthError),
}

/// Lets an endpoint's fault happen.
pub(crate) async fn strike(strike: Strike<EndpointFault>, endpoint: Endpoint, reset: &ResetSwitch, now: i64) -> Struck {
    tokio::time::sleep(strike.delay).await;
    Struck::Answered(match strike.fault {
        EndpointFault::Slow => return Struck::GoOn,
        EndpointFault::Reset => {
            reset.fire();
            // The connection is dropped with this task inside it.
            std::future::pending().await
        }
        EndpointFault::Status { status, retry_after, body, headers } => {
            let transient = || {
                let text = "A transient error has occurred. Please try again.";
                OAuthError::new(status, "server_error", 90033, text).entra_body(now)
            };
            let mut response = reply::json(status, &body.unwrap_or_else(transient));
            if let Some(seconds) = retry_after {
                response = reply::with_header(response, RETRY_AFTER, &seconds.to_string());
            }
            for (name, value) in &headers {
                if let Ok(name) = HeaderName::from_bytes(name.as_bytes()) {
                    response = reply::with_header(response, name, value);
                }
            }
            response
        }
        EndpointFault::Malformed => reply::body(200, "application/json; charset=utf-8", r#"{"access_token": "abc", "#),
        EndpointFault::Text { status, text, content_type } => reply::body(status, &content_type, text),
        EndpointFault::Huge { bytes } => reply::body(200, "application/json; charset=utf-8", huge(bytes)),
        EndpointFault::Redirect { to } => reply::redirect(&to),
        EndpointFault::Error { error, code, text, status } => {
            let error = known_error(status, error, code, text);
            if endpoint == Endpoint::Authorize {
                return Struck::Redirect(error);
            }
            error.answer(true, now)
        }
    })
}

/// Fills in the number and text that Entra gives with an OAuth error.
fn known_error(status: u16, error: String, code: Option<u32>, text: Option<String>) -> OAuthError {
    let (known_code, known_text, subcode) = match error.as_str() {
        "access_denied" => (65004, "User declined to consent to access the app.", Some("cancel")),
        "consent_required" => (65001, "The user or administrator has not consented to use the application.", None),
        "interaction_required" => (
            50076,
            "Due to a configuration change made by your administrator, or because you moved to a new location, you \
             must use multi-factor authentication to access.",
            None,
        ),
        "login_required" => (50058, "A silent sign-in request was sent but no user is signed in.", None),
        _ => (50000, "There was an error issuing a token.", None),
    };
    let mut refusal =
        OAuthError::new(status, &error, code.unwrap_or(known_code), text.unwrap_or_else(|| known_text.to_owned()));
    refusal.subcode = subcode.filter(|_| code.is_none());
    refusal
}

/// JSON whose one string is padding, produced as it is read.
fn huge(bytes: u64) -> Body {
    static PADDING: [u8; 65536] = [b' '; 65536];
    let chunks = bytes.div_ceil(PADDING.len() as u64);
    let first = std::iter::once(Bytes::from_static(b"{\"padding\":\""));
    let padding = (0..chunks).map(|_| Bytes::from_static(&PADDING));
    let last = std::iter::once(Bytes::from_static(b"\"}"));
    let all = first.chain(padding).chain(last).map(Ok::<_, std::convert::Infallible>);
    Body::from_stream(futures_util::stream::iter(all))
}
