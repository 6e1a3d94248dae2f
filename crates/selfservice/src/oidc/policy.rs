//! Who may use a provider for what, and how its refusals reach log and visitor.

use crate::deps::Deps;
use crate::error::FlowError;
use bia_config::{OidcProvider, SignUp};
use bia_model::error::Refusal;
use bia_model::{ApiError, Flow, FlowKind};
use bia_provider::{ProviderError, SignedIn};
use bia_telemetry::audit::{self, Event};

/// Whether this flow may start at (or come back from) this provider.
pub(crate) fn may_be_used(deps: &Deps, provider: &OidcProvider, flow: &Flow) -> bool {
    provider.enabled
        && crate::ui::of_organization(provider, flow.organization_id)
        && crate::ui::may_return(deps, provider, flow)
}

/// Logs a provider's failure with everything that its support asks for, and turns it into what the visitor is told.
pub(crate) fn provider_error(provider: &OidcProvider, error: &ProviderError) -> FlowError {
    let fields = error.log_fields();
    let field = |name: &str| fields.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_str());
    tracing::warn!(
        provider = %provider.id,
        step = error.step().name(),
        detail = field("detail"),
        oauth_error = field("oauth_error"),
        aadsts = field("aadsts"),
        upstream_status = field("upstream_status"),
        correlation_id = field("correlation_id"),
        trace_id = field("trace_id"),
        upstream_timestamp = field("upstream_timestamp"),
        explanation = field("explanation"),
        config_key = field("config_key"),
        "sign-in failed at the provider"
    );
    let mut answer = error.to_api();
    answer.refusal = Some(Box::new(Refusal {
        step: error.step().name(),
        oauth_error: field("oauth_error").map(str::to_owned),
        aadsts: field("aadsts").map(str::to_owned),
    }));
    FlowError::from(answer)
}

/// Counts and records a sign-in that ended in a refusal. Called once for each, where it ends.
pub(crate) fn refused(kind: FlowKind, provider: &OidcProvider, error: &FlowError) {
    record(kind.as_str(), &provider.id, &error.refusal());
}

/// The same for a callback that is refused before it is known whose it is. `provider` is `none` unless it is configured:
/// the callback's address is anybody's text, and must not make a label.
pub(crate) fn refused_at_callback(deps: &Deps, kind: Option<FlowKind>, provider: Option<&str>, step: &'static str) {
    let configured = provider.and_then(|id| deps.config.provider_by_id_or_alias(id));
    let kind = kind.map_or("none", FlowKind::as_str);
    record(kind, configured.map_or("none", |provider| &provider.id), &Refusal { step, ..Refusal::default() });
}

fn record(flow: &'static str, provider: &str, refusal: &Refusal) {
    let step = refusal.step;
    metrics::counter!("bia_sign_in_refused_total", "flow" => flow, "provider" => provider.to_owned(), "step" => step)
        .increment(1);
    let refused = audit::event(Event::Refusal).actor("person").flow(flow).provider(provider).reason(step);
    refused.said(refusal.oauth_error.as_deref(), refusal.aadsts.as_deref()).record();
}

/// Counts a sign-in that succeeded. `outcome` is `login`, `registration` or `link`.
pub(crate) fn finished(kind: FlowKind, provider: &OidcProvider, outcome: &'static str) {
    metrics::counter!("bia_sign_in_finished_total", "flow" => kind.as_str(), "provider" => provider.id.clone(), "outcome" => outcome)
        .increment(1);
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
    Err(ApiError::bad_request(format!(
        "Nobody is signed up here with this account, and new sign-ups with {} are not open to it. Please use the account that you signed up with, or ask whoever runs this site.",
        provider.label()
    ))
    .at_step("sign_up"))
}

/// The domain of an e-mail address.
pub(crate) fn domain_of(email: &str) -> Option<&str> {
    email.rsplit_once('@').map(|(_, domain)| domain).filter(|domain| !domain.is_empty())
}
