//! `require_verified_address`: only people with a proven address may sign in.
//!
//! Kratos sends a code here and shows its verification page. Bia sends no mail, so it refuses and says why;
//! an address becomes verified by the mapper's `verified_addresses` or by the admin API.

use async_trait::async_trait;
use bia_model::{ApiError, Message, error, message};

use crate::context::{Hook, HookContext, HookError, HookMessage, Moment, Request};

pub(crate) struct RequireVerifiedAddress;

#[async_trait]
impl Hook for RequireVerifiedAddress {
    fn name(&self) -> &str {
        "require_verified_address"
    }

    fn runs_at(&self, moment: Moment) -> bool {
        moment == Moment::LoginAfter
    }

    async fn run(&self, _: Moment, context: &mut HookContext<'_>) -> Result<(), HookError> {
        let addresses =
            context.identity.as_deref().map(|identity| identity.verifiable_addresses.as_slice()).unwrap_or_default();
        if addresses.is_empty() {
            return Err(ApiError::invalid_configuration(
                "A misconfiguration prevents login. Expected to find a verification address but this identity does not have one assigned.",
            )
            .into());
        }
        if addresses.iter().any(|address| address.verified) {
            return Ok(());
        }
        Err(refusal(context.request))
    }
}

/// Programs get the error that they know from Kratos, people a message in the form.
fn refusal(request: &Request) -> HookError {
    if wants_json(request) {
        return ApiError::new(403)
            .with_id(error::id::SESSION_VERIFIED_ADDRESS_REQUIRED)
            .with_message("your email or phone address is not yet verified")
            .with_reason("Your account's email or phone address are not verified yet.")
            .into();
    }
    HookError::Messages(vec![HookMessage {
        pointer: String::new(),
        messages: vec![Message::error(
            message::id::ADDRESS_NOT_VERIFIED,
            "Account not active yet. Did you forget to verify your email address?",
        )],
    }])
}

/// Kratos: `Content-Type` is exactly JSON, or `Accept` prefers JSON to HTML.
fn wants_json(request: &Request) -> bool {
    let values = |name: &'static str| {
        request
            .headers
            .iter()
            .filter(move |(header, _)| header.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    };
    if values("content-type").any(|value| value == "application/json") {
        return true;
    }
    let quality = |wanted: &str| {
        values("accept")
            .flat_map(|value| value.split(','))
            .filter_map(|part| {
                let mut parts = part.split(';').map(str::trim);
                let found = parts.next()?.eq_ignore_ascii_case(wanted);
                let quality = parts.find_map(|parameter| parameter.strip_prefix("q=")?.parse::<f32>().ok());
                found.then_some(quality.unwrap_or(1.0))
            })
            .fold(0.0_f32, f32::max)
    };
    let json = quality("application/json");
    json > 0.0 && json > quality("text/html")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepting(accept: &str) -> Request {
        Request { headers: vec![("Accept".to_owned(), accept.to_owned())], ..Request::default() }
    }

    #[test]
    fn json_is_answered_only_to_who_prefers_it() {
        assert!(wants_json(&accepting("application/json, text/plain, */*")));
        assert!(wants_json(&accepting("text/html;q=0.5, application/json;q=0.9")));
        assert!(!wants_json(&accepting("text/html,application/xhtml+xml")));
        assert!(!wants_json(&accepting("*/*")));
        let posted =
            Request { headers: vec![("Content-Type".to_owned(), "application/json".to_owned())], ..Request::default() };
        assert!(wants_json(&posted));
    }
}
