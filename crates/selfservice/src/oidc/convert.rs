//! A login that becomes a registration and the reverse, and the login that asks to confirm a new link. The
//! context of the first flow travels along, so that nobody notices the turn.

use super::{Arrival, continuity, login, pending_link, policy, registration};
use crate::context::Context;
use crate::deps::{Deps, with_query};
use crate::error::{FlowError, store_error};
use crate::outcome::{Effects, Outcome, Redirect, Reply};
use crate::{flow, ui};
use bia_identity::identities::{self, Conflict};
use bia_model::flow::PendingLink;
use bia_model::{ApiError, Flow, FlowKind, Identity, Message};

/// Nobody is known by this sign-in: register, unless that is off and there is nobody to link to either.
pub(crate) async fn login_to_registration(deps: &Deps, context: &Context, login: Flow, arrival: Arrival<'_>) -> Reply {
    let enabled = deps.config.selfservice.flows.registration.enabled;
    let linking_only = !enabled && has_conflict(deps, context, &login, &arrival).await;
    if !enabled && !linking_only {
        let error = FlowError::from(crate::registration::disabled().at_step("registration_disabled"));
        policy::refused(login.kind, arrival.provider, &error);
        return flow::fail(deps, context, login, error, true).await;
    }
    // Kept from the page where a person could do something about it: a refusal by policy belongs to the login.
    if let Err(error) = policy::check_sign_up(arrival.provider, &arrival.signed_in) {
        let error = FlowError::from(error);
        policy::refused(login.kind, arrival.provider, &error);
        return flow::fail(deps, context, login, error, true).await;
    }
    let mut turned = turned(deps, context, &login, FlowKind::Registration);
    turned.linking_only = linking_only;
    let prepared = prepare_registration(deps, context, &login, &mut turned).await;
    match prepared {
        Ok(()) => Box::pin(registration::register(deps, context, turned, arrival)).await,
        Err(error) => {
            policy::refused(login.kind, arrival.provider, &error);
            flow::fail(deps, context, login, error, true).await
        }
    }
}

async fn prepare_registration(
    deps: &Deps,
    context: &Context,
    login: &Flow,
    turned: &mut Flow,
) -> Result<(), FlowError> {
    let schema = crate::registration::schema_of(deps, turned).await?;
    crate::registration::populate(deps, turned, &schema);
    crate::hooks::before(deps, context, turned).await?;
    store(deps, login, turned).await?;
    Ok(())
}

/// Whether the claims lead to somebody who exists, for a login while registration is off.
async fn has_conflict(deps: &Deps, context: &Context, login: &Flow, arrival: &Arrival<'_>) -> bool {
    let Ok(mapped) = super::claims_to_identity::map(deps, arrival.provider, &arrival.signed_in.claims, None).await
    else {
        return false;
    };
    let schema_id = login.identity_schema.as_deref().unwrap_or(deps.schemas.default_id());
    let mut candidate = Identity::new(uuid::Uuid::new_v4(), schema_id, context.now);
    candidate.traits = mapped.traits;
    // Traits that the schema refuses still name an address; only what follows from them matters here.
    let _ = identities::prepare(&deps.schemas, &mut candidate, context.now).await;
    matches!(identities::find_conflict(&deps.store, &candidate).await, Ok(Some(_)))
}

/// The person is known after all: their registration finishes as a login.
pub(crate) async fn registration_to_login(
    deps: &Deps,
    context: &Context,
    registration: Flow,
    arrival: Arrival<'_>,
    identity: Identity,
) -> Reply {
    let mut turned = turned(deps, context, &registration, FlowKind::Login);
    crate::login::populate(deps, context, &mut turned, true);
    let prepared = async {
        crate::hooks::before(deps, context, &turned).await?;
        store(deps, &registration, &turned).await.map_err(FlowError::from)
    };
    match prepared.await {
        Ok(()) => login::sign_in(deps, context, turned, arrival, identity).await,
        Err(error) => registration::fail(deps, context, registration, &arrival, error, None).await,
    }
}

/// A new flow of the other kind with the context of the first.
fn turned(deps: &Deps, context: &Context, first: &Flow, kind: FlowKind) -> Flow {
    let mut flow = flow::in_place_of(deps, context, kind, first);
    flow.csrf_token.clone_from(&first.csrf_token);
    flow.active = Some("oidc".to_owned());
    flow.transient_payload.clone_from(&first.transient_payload);
    flow.token_exchange = first.token_exchange;
    flow
}

/// Stores the new flow and points a waiting native app at it.
async fn store(deps: &Deps, first: &Flow, turned: &Flow) -> Result<(), bia_store::StoreError> {
    let mut tx = deps.store.begin().await?;
    tx.insert_flow(turned).await?;
    if first.token_exchange {
        tx.move_token_exchange(first.id, turned.id).await?;
    }
    tx.commit().await
}

/// Asks the owner of a taken address to sign in, and keeps the new link until they did.
pub(crate) async fn ask_to_link(
    deps: &Deps,
    context: &Context,
    registration: Flow,
    arrival: &Arrival<'_>,
    conflict: Conflict,
    candidate: &Identity,
) -> Reply {
    let mut asking = turned(deps, context, &registration, FlowKind::Login);
    crate::login::populate(deps, context, &mut asking, true);
    let Some(link) = candidate.oidc_links().into_iter().next() else {
        return flow::refuse(Some(&registration), ApiError::internal("The new link is gone."));
    };
    let browser_id = context.browser_id.clone().unwrap_or_else(continuity::new_browser_id);
    let proposer = asking.is_browser().then(|| pending_link::proposer(&browser_id));
    // Somebody who came with an ID token was never at a provider, and so has no such cookie yet.
    let is_new = asking.is_browser() && context.browser_id.is_none();
    let effects = Effects { browser_id: is_new.then_some(browser_id), ..Effects::default() };
    asking.pending_link = Some(PendingLink { link, duplicate_identifier: conflict.identifier.clone(), proposer });
    let hints = deps.config.selfservice.flows.registration.login_hints;
    let (types, providers): (Vec<String>, Vec<String>) = if hints {
        (
            identities::available_credential_types(&conflict.identity),
            identities::linked_provider_ids(&conflict.identity, &deps.config),
        )
    } else {
        (Vec::new(), Vec::new())
    };
    ui::linking_buttons(&mut asking, &arrival.provider.id, hints.then_some(providers.as_slice()));
    // Kratos: here an unlabelled provider is called by its type.
    let label = arrival
        .provider
        .label
        .clone()
        .filter(|label| !label.is_empty())
        .unwrap_or_else(|| arrival.provider.provider.as_str().to_owned());
    asking.ui.messages =
        vec![Message::link_account(&conflict.identifier, &label, deps.ui_url(FlowKind::Login), &types, &providers)];
    asking.ui.sort(FlowKind::Login, &[]);
    if let Err(error) = store(deps, &registration, &asking).await {
        return flow::refuse(Some(&registration), store_error(&error));
    }
    let taken = FlowError::message(Message::duplicate_credentials());
    policy::refused(registration.kind, arrival.provider, &taken);
    if asking.token_exchange && !asking.is_browser() && !arrival.by_id_token {
        return crate::token_exchange::return_failed(deps, context, asking).await;
    }
    if asking.is_browser() {
        let query = vec![("no_org_ui".to_owned(), "true".to_owned())];
        return Reply::from(Outcome::FormError { flow: Box::new(asking), status: 400, query }).with_effects(effects);
    }
    if context.is_json {
        return Outcome::FormError { flow: Box::new(asking), status: 400, query: Vec::new() }.into();
    }
    let default = deps.default_return_url();
    let to = flow::return_url(deps, &asking, default).unwrap_or_else(|_| default.to_owned());
    Outcome::RedirectAll(Redirect::see_other(with_query(&to, &[("flow", &asking.id.to_string())]))).into()
}
