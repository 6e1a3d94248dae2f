//! Back from the provider: the one dispatcher. The order of its checks is that of contract §3.5.

use super::state::State;
use super::{Arrival, continuity, policy, start};
use crate::context::Context;
use crate::deps::Deps;
use crate::error::{FlowError, store_error};
use crate::flow;
use crate::outcome::{Outcome, Redirect, Reply};
use bia_config::OidcProvider;
use bia_model::{ApiError, Flow, FlowKind, error::id};
use bia_provider::{ExchangeRequest, ProviderError, SignedIn};

/// The callback's query (or the posted form that became one).
struct Answer {
    pairs: Vec<(String, String)>,
}

impl Answer {
    fn get(&self, name: &str) -> Option<&str> {
        let found = self.pairs.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }
}

/// `GET /self-service/methods/oidc/callback/{provider}`, also without the provider.
pub async fn callback(deps: &Deps, context: &Context, provider: Option<&str>, query: Vec<(String, String)>) -> Reply {
    if let Err(error) = start::check_enabled(deps) {
        return Outcome::RefusedJson(error).into();
    }
    let answer = Answer { pairs: query };
    let (state_text, state) = match open_state(deps, provider, &answer) {
        Ok(state) => state,
        Err(error) => {
            policy::refused_at_callback(deps, None, provider, "state");
            return error.into();
        }
    };
    let refused = |step| policy::refused_at_callback(deps, Some(state.kind), Some(&state.provider_id), step);
    let mut flow = match find_flow(deps, context, &state).await {
        Ok(flow) => flow,
        Err(reply) => {
            refused("flow");
            return *reply;
        }
    };
    if let Err(error) = check_init_code(deps, &flow, &state).await {
        refused("state");
        return error.into();
    }
    let container = match continuity::take(deps, context, &flow, &state_text).await {
        Ok(container) => container,
        // A callback that is repeated by the person who is signed in already leads on, it doesn't frighten.
        Err(_) if is_done(context, &flow) => return go_on(deps, &flow),
        Err(error) => {
            refused("continuity");
            return error.into();
        }
    };
    flow.active = Some("oidc".to_owned());
    flow.transient_payload.clone_from(&container.transient_payload);
    flow.identity_schema.clone_from(&container.identity_schema);
    let Some(provider) =
        deps.config.provider(&state.provider_id).filter(|provider| policy::may_be_used(deps, provider, &flow))
    else {
        refused("provider");
        return flow::refuse(Some(&flow), start::unknown(&state.provider_id));
    };
    match Box::pin(receive(deps, context, &flow, provider, &answer, &container)).await {
        Ok(Received::AlreadySignedIn) => go_on(deps, &flow),
        Ok(Received::Challenged(claims)) => restart(deps, context, flow, provider, container.traits, &claims).await,
        Ok(Received::SignedIn(signed_in)) => {
            let arrival = Arrival { provider, signed_in: *signed_in, traits: container.traits, by_id_token: false };
            // On the heap: what follows is deep, and a future as large as all of it would fill a thread's stack.
            Box::pin(dispatch(deps, context, flow, arrival)).await
        }
        Err(error) => {
            // A test login signs nobody in, so it refuses nobody.
            if flow.test_context.is_none() {
                policy::refused(flow.kind, provider, &error);
            }
            failed(deps, context, flow, provider, error).await
        }
    }
}

/// Where a verified sign-in goes: by the kind of the flow that began it.
async fn dispatch(deps: &Deps, context: &Context, flow: Flow, arrival: Arrival<'_>) -> Reply {
    if flow.test_context.is_some() {
        return crate::test_login::finish(deps, context, flow, arrival).await;
    }
    if let Some(home) = crate::home_realm::home_of(deps, &flow, &arrival) {
        return crate::home_realm::move_on(deps, context, flow, arrival, home).await;
    }
    match flow.kind {
        FlowKind::Login => super::login::arrive(deps, context, flow, arrival).await,
        FlowKind::Registration => super::registration::arrive(deps, context, flow, arrival).await,
        FlowKind::Settings => super::settings::arrive(deps, context, flow, arrival).await,
    }
}

enum Received {
    SignedIn(Box<SignedIn>),
    AlreadySignedIn,
    /// Graph wants a stronger sign-in, and says which `claims` it has to satisfy.
    Challenged(String),
}

/// Sends the browser back to the provider with the claims of a challenge; the second answer is final.
async fn restart(
    deps: &Deps,
    context: &Context,
    mut flow: Flow,
    provider: &OidcProvider,
    traits: serde_json::Value,
    claims: &str,
) -> Reply {
    tracing::info!(provider = %provider.id, "Graph answered with a claims challenge; the sign-in starts once more with it");
    let departure = start::Departure { traits, claims_challenge: Some(claims), ..start::Departure::default() };
    match start::leave(deps, context, &mut flow, provider, departure).await {
        Ok(reply) => reply,
        Err(error) => failed(deps, context, flow, provider, error).await,
    }
}

/// From the provider's answer to verified claims: its error, its code, the token request, the ID token.
async fn receive(
    deps: &Deps,
    context: &Context,
    flow: &Flow,
    provider: &OidcProvider,
    answer: &Answer,
    container: &continuity::Payload,
) -> Result<Received, FlowError> {
    let at_provider = |error: ProviderError| policy::provider_error(provider, &error);
    if let Some(error) = answer.get("error") {
        let description = answer.get("error_description");
        let explained = deps.providers.get(&provider.id).map(|known| known.denied(error, description));
        return Err(at_provider(explained.unwrap_or_else(|| ProviderError::denied(error, description))));
    }
    let Some(code) = answer.get("code").or_else(|| answer.get("authCode")) else {
        return Err(ApiError::bad_request(
            "Unable to complete OpenID Connect flow because the OpenID Provider did not return the code query parameter.",
        )
        .at_step("callback")
        .into());
    };
    if is_done(context, flow) {
        return Ok(Received::AlreadySignedIn);
    }
    let implementation = deps.providers.get(&provider.id).ok_or_else(|| start::unknown(&provider.id))?;
    let request = ExchangeRequest {
        code,
        redirect_uri: &container.redirect_uri,
        pkce_verifier: container.pkce_verifier.as_deref(),
        nonce: container.nonce.as_deref(),
        iss: answer.get("iss"),
        user: answer.get("user"),
        step_up: container.step_up.as_deref(),
        now: context.now,
    };
    match implementation.exchange(request).await {
        Ok(signed_in) => Ok(Received::SignedIn(Box::new(signed_in))),
        Err(error) => match error.claims_challenge().filter(|_| !container.challenged) {
            Some(claims) => Ok(Received::Challenged(claims.to_owned())),
            None => Err(at_provider(error)),
        },
    }
}

fn open_state(deps: &Deps, provider: Option<&str>, answer: &Answer) -> Result<(String, State), ApiError> {
    let Some(text) = answer.get("state") else {
        return Err(ApiError::bad_request(
            "Unable to complete OpenID Connect flow because the OpenID Provider did not return the state query parameter.",
        ));
    };
    let state = State::open(&deps.sealer, text).ok_or_else(|| {
        ApiError::bad_request("Unable to complete OpenID Connect flow because the state parameter is invalid.")
    })?;
    // A state of one provider at the callback of another is a mix-up (RFC 9700 §4.4).
    let fits = provider.is_none_or(|in_url| {
        in_url == state.provider_id
            || deps.config.provider(&state.provider_id).is_some_and(|own| own.answers_to(in_url))
    });
    if !fits {
        return Err(ApiError::bad_request(
            "Unable to complete OpenID Connect flow: provider mismatch between internal state and URL.",
        ));
    }
    Ok((text.to_owned(), state))
}

/// The flow that began this, if it still lives; a settings flow also needs its owner's session.
async fn find_flow(deps: &Deps, context: &Context, state: &State) -> Result<Flow, Box<Reply>> {
    let refuse = |error: ApiError| Box::new(Reply::from(error));
    let found = deps.store.find_flow(state.kind, state.flow_id).await.map_err(|error| refuse(store_error(&error)))?;
    let flow = found.ok_or_else(|| refuse(ApiError::no_such_row()))?;
    if flow.kind == FlowKind::Settings {
        crate::settings::check_owner(context, &flow).map_err(refuse)?;
    }
    if flow.is_expired(context.now) {
        let minutes = context.now.since(flow.expires_at).as_secs_f64() / 60.0;
        let error = ApiError::new(410)
            .with_id(id::FLOW_EXPIRED)
            .with_message("self-service flow expired")
            .with_reason(format!("The self-service flow expired {minutes:.2} minutes ago, initialize a new one."));
        return Err(refuse(error));
    }
    Ok(flow)
}

/// A native flow's state is bound to the exchange code of the app that began it.
async fn check_init_code(deps: &Deps, flow: &Flow, state: &State) -> Result<(), ApiError> {
    let expected = crate::token_exchange::init_code_hash(deps, flow).await?;
    if expected == state.init_code_hash {
        return Ok(());
    }
    Err(ApiError::bad_request(
        "Unable to complete OpenID Connect flow because the query state parameter does not match the state parameter from the code.",
    ))
}

/// Somebody is signed in already and this flow doesn't ask them to prove it again.
///
/// Never so for an app that waits at the token exchange: its flow is bound to no browser, so whoever began it could lead
/// somebody else's browser here and be handed the session that is found in it. It gets the session of whoever the
/// provider names now.
fn is_done(context: &Context, flow: &Flow) -> bool {
    let raises = context.session.as_ref().is_some_and(|session| flow.requested_aal > session.aal);
    context.session.is_some()
        && flow.kind != FlowKind::Settings
        && !flow.refresh
        && !flow.token_exchange
        && !raises
        && flow.test_context.is_none()
}

/// Leads somebody who is signed in already to where the flow would have led.
fn go_on(deps: &Deps, flow: &Flow) -> Reply {
    let default = deps.default_return_url();
    let to = flow::return_url(deps, flow, default).unwrap_or_else(|_| default.to_owned());
    Outcome::RedirectAll(Redirect::see_other(to)).into()
}

/// A failure between callback and claims: into the form where that is possible.
async fn failed(deps: &Deps, context: &Context, mut flow: Flow, provider: &OidcProvider, error: FlowError) -> Reply {
    if flow.test_context.is_some() {
        return crate::test_login::fail(deps, context, flow, error).await;
    }
    if flow.kind == FlowKind::Registration {
        crate::ui::continuation(deps, &mut flow, &provider.id, None);
    }
    flow::fail(deps, context, flow, error, true).await
}
