//! The anti-CSRF token of browser flows (Kratos: `x/nosurfx`, contract §1.1).
//!
//! The cookie holds 32 random bytes. A form gets a one-time-pad mask of them, different on each render
//! (so that compression can't leak it, BREACH); any mask of the same cookie verifies.

use crate::context::Context;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bia_model::{ApiError, error::id};
use rand::RngCore as _;
use subtle::ConstantTimeEq as _;

const LENGTH: usize = 32;

/// A new token: base64 of 32 random bytes.
pub fn new_token() -> String {
    let mut bytes = [0; LENGTH];
    rand::rng().fill_bytes(&mut bytes);
    STANDARD.encode(bytes)
}

/// Whether a cookie's value has the shape of a token.
pub fn is_token(text: &str) -> bool {
    raw(text).is_some()
}

/// A mask of the token for one render; empty for anything that isn't a token.
pub fn mask(token: &str) -> String {
    let Some(token) = raw(token) else {
        return String::new();
    };
    let mut out = [0; LENGTH * 2];
    rand::rng().fill_bytes(&mut out[..LENGTH]);
    for index in 0..LENGTH {
        out[LENGTH + index] = out[index] ^ token[index];
    }
    STANDARD.encode(out)
}

/// Whether `sent`, masked or not, stands for `token`. Takes the same time whatever differs.
pub fn matches(token: &str, sent: &str) -> bool {
    let (Some(token), Ok(sent)) = (raw(token), STANDARD.decode(sent)) else {
        return false;
    };
    let unmasked: Vec<u8> = match sent.len() {
        LENGTH => sent,
        length if length == LENGTH * 2 => (0..LENGTH).map(|index| sent[index] ^ sent[LENGTH + index]).collect(),
        _ => return false,
    };
    token.ct_eq(unmasked.as_slice()).into()
}

/// The refusal, with details that say which part was missing.
pub fn violation(context: &Context, token_sent: bool) -> ApiError {
    let csrf = &context.csrf;
    let error = ApiError::forbidden(
        "Please retry the flow and optionally clear your cookies. The request was rejected to protect you from Cross-Site-Request-Forgery (CSRF) which could cause account takeover, leaking personal information, and other serious security issues.",
    )
    .with_id(id::CSRF_VIOLATION)
    .with_message("the request was rejected to protect you from Cross-Site-Request-Forgery")
    .with_detail("docs", "https://www.ory.com/docs/troubleshooting/csrf");
    let hint = if is_ajax(context) { HINT_AJAX } else { HINT_SERVER };
    if !csrf.any_cookie_sent {
        return error.with_detail("hint", hint).with_detail("reject_reason", NO_COOKIE);
    }
    if !csrf.cookie_sent {
        return error.with_detail("hint", hint).with_detail("reject_reason", COOKIE_MISSING);
    }
    // Kratos: it can't read a JSON body here, so it doesn't claim that the token was missing from it.
    if !sends_json(context) && !token_sent && csrf.header.is_none() {
        return error.with_detail("hint", TOKEN_NOT_SENT);
    }
    error.with_detail("hint", hint).with_detail("reject_reason", TOKEN_MISMATCH)
}

const NO_COOKIE: &str = "The HTTP Cookie Header is empty or not set.";
const COOKIE_MISSING: &str = "The HTTP Cookie Header was set but did not include the anti-CSRF cookie.";
const TOKEN_NOT_SENT: &str = "The anti-CSRF cookie was found but the CSRF token was not included in the HTTP request body (csrf_token) nor in the HTTP Header (X-CSRF-Token).";
const TOKEN_MISMATCH: &str = "The HTTP Cookie Header was set and a CSRF token was sent but they do not match. We recommend deleting all cookies for this domain and retrying the flow.";
const HINT_AJAX: &str = "We detected an AJAX call, please ensure that CORS is enabled and configured correctly, and that your AJAX code sends cookies and has credentials enabled. For further debugging, check your Browser's Network Tab to see what cookies are included or excluded.";
const HINT_SERVER: &str = "We detected a regular browser or server-side call. To debug browser calls check your Browser's Network Tab to see what cookies are included or excluded. If you are calling from a server ensure that the appropriate cookies are being forwarded and that the SDK method is called correctly.";

fn is_ajax(context: &Context) -> bool {
    matches!(context.header("sec-fetch-mode"), Some("cors" | "same-origin"))
}

/// Whether a submitted form may proceed (Kratos: `flow.EnsureCSRF`): browser flows must bring a token that
/// fits the cookie, native flows must not come from a browser.
///
/// # Errors
/// 403 `security_csrf_violation`, or 400 when a browser submits a native flow.
pub fn ensure(context: &Context, is_browser_flow: bool, sent: Option<&str>) -> Result<(), ApiError> {
    if is_browser_flow {
        let sent = sent.filter(|token| !token.is_empty()).or(context.csrf.header.as_deref());
        return match sent {
            Some(token) if context.csrf.cookie_sent && matches(&context.csrf.token, token) => Ok(()),
            _ => Err(violation(context, sent.is_some())),
        };
    }
    refuse_browser(context)
}

/// Whether the body is JSON by its media type, which a page of another site can send with the consent of CORS alone: a
/// form, and a script that asks nobody, have three other types.
pub(crate) fn sends_json(context: &Context) -> bool {
    let kind = context.header("content-type").and_then(|kind| kind.split(';').next()).unwrap_or_default();
    kind.trim().eq_ignore_ascii_case("application/json")
}

/// Native endpoints refuse requests that look like a browser's, since they carry no anti-CSRF token.
///
/// # Errors
/// 400 with Kratos' text for an `Origin` or `Cookie` header.
pub fn refuse_browser(context: &Context) -> Result<(), ApiError> {
    if context.header("origin").is_some_and(|value| !value.is_empty()) {
        return Err(ApiError::bad_request(
            "The HTTP Request Header included the \"Origin\" key, indicating that this request was made as part of an AJAX request in a Browser. The flow however was initiated as an API request. To prevent potential misuse and mitigate several attack vectors including CSRF, the request has been blocked. Please consult the documentation.",
        ));
    }
    if context.csrf.any_cookie_sent {
        return Err(ApiError::bad_request(
            "The HTTP Request Header included the \"Cookie\" key, indicating that this request was made by a Browser. The flow however was initiated as an API request. To prevent potential misuse and mitigate several attack vectors including CSRF, the request has been blocked. Please consult the documentation.",
        ));
    }
    Ok(())
}

fn raw(text: &str) -> Option<[u8; LENGTH]> {
    STANDARD.decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mask_of_a_token_verifies_and_no_two_are_equal() {
        let token = new_token();
        let (a, b) = (mask(&token), mask(&token));
        assert_ne!(a, b);
        assert!(matches(&token, &a) && matches(&token, &b) && matches(&token, &token));
        assert!(!matches(&new_token(), &a));
    }

    #[test]
    fn rubbish_never_verifies() {
        let token = new_token();
        for sent in ["", "bm9wZQ==", "!!", &"A".repeat(88)] {
            assert!(!matches(&token, sent), "{sent}");
        }
        assert!(!matches("", ""));
        assert_eq!(mask("nonsense"), "");
    }
}
