//! Away to the provider: from a pressed button to the authorization URL (contract §3.2-3.4).

use super::continuity::{self, Payload};
use super::state::State;
use super::{Arrival, policy};
use crate::context::Context;
use crate::deps::Deps;
use crate::error::FlowError;
use crate::outcome::{Effects, Outcome, Reply};
use crate::submit::Submission;
use bia_config::OidcProvider;
use bia_model::{Aal, ApiError, Flow, FlowKind, FlowType};
use bia_provider::{AuthorizeRequest, IdTokenRequest, ProviderError};
use serde_json::Value;
use std::collections::BTreeMap;

/// The provider that a submission asks for, if social sign-in is responsible for it at all.
pub(crate) fn asked_provider(submission: &Submission) -> Option<String> {
    let provider = submission.text("provider")?;
    match submission.text("method") {
        None => Some(provider.to_owned()),
        Some(method) if method.eq_ignore_ascii_case("oidc") => Some(provider.to_owned()),
        Some(method) => {
            let method: String = method.chars().take(40).collect();
            tracing::warn!(method, "a form names a provider but another method; social sign-in steps aside");
            None
        }
    }
}

/// Methods of Kratos that sign nobody in here.
const OTHER_METHODS: [&str; 7] = ["password", "code", "totp", "lookup_secret", "webauthn", "passkey", "deviceauthn"];

/// Kratos: a form that names a method which is switched off gets a 404, whatever else is in it.
///
/// # Errors
/// 404 with Kratos' words.
pub(crate) fn refuse_other_method(submission: &Submission) -> Result<(), ApiError> {
    match submission.text("method") {
        Some(method) if OTHER_METHODS.contains(&method) => Err(disabled_by_administrator()),
        _ => Ok(()),
    }
}

fn disabled_by_administrator() -> ApiError {
    ApiError::not_found(
        "This endpoint was disabled by system administrator. Please check your url or contact the system administrator to enable it.",
    )
}

/// The configured provider behind an id that a client sent.
///
/// # Errors
/// 404 when the method is off, or nobody by that id may be used in this flow.
pub(crate) fn configured<'a>(deps: &'a Deps, flow: &Flow, id: &str) -> Result<&'a OidcProvider, ApiError> {
    check_enabled(deps)?;
    let found = deps.config.provider(id).filter(|provider| provider.id == id);
    found.filter(|provider| policy::may_be_used(deps, provider, flow)).ok_or_else(|| unknown(id))
}

/// 404 with Kratos' words for an id that isn't configured.
pub(crate) fn unknown(id: &str) -> ApiError {
    let shown: String = id.chars().filter(|c| !c.is_control()).take(100).collect();
    ApiError::not_found(format!("OpenID Connect Provider \"{shown}\" is unknown or has not been configured"))
}

/// # Errors
/// 404 when `selfservice.methods.oidc.enabled` is off.
pub(crate) fn check_enabled(deps: &Deps) -> Result<(), ApiError> {
    if deps.config.selfservice.methods.oidc.enabled {
        return Ok(());
    }
    Err(disabled_by_administrator())
}

/// Starts a sign-in, sign-up or link at a provider. An ID token that the client brings is used on the spot.
pub(crate) async fn start(
    deps: &Deps,
    context: &Context,
    flow: &mut Flow,
    submission: &Submission,
    provider_id: &str,
) -> Result<Reply, FlowError> {
    let provider = configured(deps, flow, provider_id)?;
    if let Some(id_token) = submission.text("id_token") {
        return native(deps, context, flow, submission, provider, id_token).await;
    }
    let upstream_parameters = match submission.upstream_parameters() {
        Ok(parameters) => parameters,
        Err(error) if submission.has_upstream_object() => return Ok(misread(deps, context, flow, error).await),
        Err(error) => return Err(error.into()),
    };
    let departure = Departure { upstream_parameters, traits: submission.traits(), ..Departure::default() };
    leave(deps, context, flow, provider, departure).await
}

/// What a browser takes along to the provider, besides what the flow itself says.
#[derive(Default)]
pub(crate) struct Departure<'a> {
    /// What the client sent; the provider drops every name that isn't allowed.
    pub(crate) upstream_parameters: BTreeMap<String, String>,
    pub(crate) traits: Value,
    /// The organisation's domain as configured (home-realm discovery).
    pub(crate) domain_hint: Option<&'a str>,
    /// What Graph asked for; a sign-in that was restarted for it isn't restarted again.
    pub(crate) claims_challenge: Option<&'a str>,
}

/// Seals a state, keeps what must not travel, and sends the browser away.
pub(crate) async fn leave(
    deps: &Deps,
    context: &Context,
    flow: &mut Flow,
    provider: &OidcProvider,
    departure: Departure<'_>,
) -> Result<Reply, FlowError> {
    let implementation = deps.providers.get(&provider.id).ok_or_else(|| unknown(&provider.id))?;
    let init_code_hash = crate::token_exchange::init_code_hash(deps, flow).await?;
    let state = State::new(flow.id, flow.kind, &provider.id, init_code_hash).seal(&deps.sealer);
    let step_up = provider.microsoft.step_up_context.clone().filter(|_| flow.requested_aal == Aal::Aal2);
    let mut request = AuthorizeRequest::new(&state, &departure.upstream_parameters, context.now);
    request.refresh = flow.refresh;
    request.step_up = step_up.as_deref();
    request.domain_hint = departure.domain_hint;
    request.claims_challenge = departure.claims_challenge;
    request.host = context.header("host");
    let authorization =
        implementation.authorize(request).await.map_err(|error| at_provider(flow.kind, provider, &error))?;
    let payload = Payload {
        redirect_uri: authorization.redirect_uri,
        pkce_verifier: authorization.pkce_verifier,
        nonce: authorization.nonce,
        traits: departure.traits,
        transient_payload: flow.transient_payload.clone(),
        identity_schema: flow.identity_schema.clone(),
        step_up,
        challenged: departure.claims_challenge.is_some(),
    };
    let browser_id = context.browser_id.clone().unwrap_or_else(continuity::new_browser_id);
    let row = continuity::row(&state, &continuity::binding(flow, &browser_id), flow, &payload, context.now);
    if flow.kind == FlowKind::Login {
        flow.active = Some("oidc".to_owned());
    }
    let mut tx = deps.store.begin().await?;
    tx.put_continuity(&row).await?;
    tx.update_flow(flow).await?;
    tx.commit().await?;
    let effects =
        Effects { browser_id: (!continuity::is_bound_to_flow(flow)).then_some(browser_id), ..Effects::default() };
    metrics::counter!("bia_sign_in_started_total", "flow" => flow.kind.as_str(), "provider" => provider.id.clone())
        .increment(1);
    Ok(Reply::from(Outcome::GoToProvider { url: authorization.url.into() }).with_effects(effects))
}

/// Kratos reads single parameters after it has set the continuity cookie, so the refusal carries it, too.
async fn misread(deps: &Deps, context: &Context, flow: &Flow, error: ApiError) -> Reply {
    let browser_id = context.browser_id.clone().unwrap_or_else(continuity::new_browser_id);
    let effects =
        Effects { browser_id: (!continuity::is_bound_to_flow(flow)).then_some(browser_id), ..Effects::default() };
    crate::flow::fail(deps, context, flow.clone(), error.into(), true).await.with_effects(effects)
}

/// A native app brought an ID token that it got from the provider itself (contract §3.8).
async fn native(
    deps: &Deps,
    context: &Context,
    flow: &mut Flow,
    submission: &Submission,
    provider: &OidcProvider,
    id_token: &str,
) -> Result<Reply, FlowError> {
    // Other submissions end at a callback, which refuses what this browser did not start; this one ends here. Without
    // the check a stranger's token could sign somebody in as the stranger (login CSRF).
    if flow.is_browser() {
        crate::csrf::ensure(context, true, submission.text("csrf_token"))?;
    }
    let implementation = deps.providers.get(&provider.id).ok_or_else(|| unknown(&provider.id))?;
    let request = IdTokenRequest { id_token, nonce: submission.text("id_token_nonce"), now: context.now };
    let signed_in =
        implementation.verify_id_token(request).await.map_err(|error| at_provider(flow.kind, provider, &error))?;
    let arrival = Arrival { provider, signed_in, traits: submission.traits(), by_id_token: true };
    flow.active = Some("oidc".to_owned());
    Ok(match flow.kind {
        FlowKind::Registration => super::registration::arrive(deps, context, flow.clone(), arrival).await,
        FlowKind::Settings => super::settings::arrive(deps, context, flow.clone(), arrival).await,
        FlowKind::Login => super::login::arrive(deps, context, flow.clone(), arrival).await,
    })
}

fn at_provider(kind: FlowKind, provider: &OidcProvider, error: &ProviderError) -> FlowError {
    let error = policy::provider_error(provider, error);
    policy::refused(kind, provider, &error);
    error
}

/// Whether a client waits at the token exchange for the end of this flow.
pub(crate) fn answers_by_exchange(flow: &Flow, by_id_token: bool) -> bool {
    flow.flow_type == FlowType::Api && flow.token_exchange && !by_id_token
}
