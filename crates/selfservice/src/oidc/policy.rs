//! Who may use a provider for what, and how its refusals reach log and visitor.

use crate::error::FlowError;
use bia_config::{OidcProvider, SignUp};
use bia_model::{ApiError, Flow};
use bia_provider::{ProviderError, SignedIn};

/// Whether this flow may start at (or come back from) this provider.
pub(crate) fn may_be_used(provider: &OidcProvider, flow: &Flow) -> bool {
    provider.enabled
        && crate::ui::of_organization(provider, flow.organization_id)
        && crate::ui::may_return(provider, flow)
}

/// Logs a provider's failure with the step it happened at and turns it into what the visitor is told.
pub(crate) fn provider_error(provider: &OidcProvider, error: &ProviderError) -> FlowError {
    let step = error.step().name();
    let fields: serde_json::Map<String, serde_json::Value> =
        error.log_fields().into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    tracing::warn!(
        provider = %provider.id,
        step,
        details = %serde_json::Value::Object(fields),
        "sign-in failed at the provider"
    );
    refused(provider, step);
    FlowError::from(error.to_api())
}

/// Counts a refusal; the labels are bounded by the configuration and the list of steps.
pub(crate) fn refused(provider: &OidcProvider, step: &'static str) {
    metrics::counter!("bia_sign_in_refused_total", "provider" => provider.id.clone(), "step" => step).increment(1);
}

/// Whether somebody unknown may become an identity by this provider (`sign_up`).
///
/// # Errors
/// 400 with a sentence for the visitor.
pub(crate) fn check_sign_up(provider: &OidcProvider, signed_in: &SignedIn) -> Result<(), ApiError> {
    let allowed = match provider.sign_up {
        SignUp::Open => true,
        SignUp::Closed => false,
        SignUp::AllowList => domain_of(&signed_in.claims.email)
            .is_some_and(|domain| provider.sign_up_domains.iter().any(|allowed| allowed.eq_ignore_ascii_case(domain))),
    };
    if allowed {
        return Ok(());
    }
    refused(provider, "sign_up");
    Err(ApiError::bad_request(format!(
        "Nobody is signed up here with this account, and new sign-ups with {} are not open to it. Please use the account that you signed up with, or ask whoever runs this site.",
        provider.label()
    )))
}

/// The domain of an e-mail address.
pub(crate) fn domain_of(email: &str) -> Option<&str> {
    email.rsplit_once('@').map(|(_, domain)| domain).filter(|domain| !domain.is_empty())
}
