//! What all flows share: how one begins, expires, is replaced, and ends in a message.

use crate::context::Context;
use crate::deps::{Deps, with_query};
use crate::error::{FlowError, store_error};
use crate::outcome::{Outcome, Redirect, Reply};
use crate::return_to;
use bia_model::{Aal, ApiError, Container, Flow, FlowKind, FlowState, FlowType, error::id};
use serde_json::json;
use uuid::Uuid;

/// A new flow with an empty form, not stored yet.
pub(crate) fn new_flow(deps: &Deps, context: &Context, kind: FlowKind, flow_type: FlowType) -> Flow {
    let flow_id = Uuid::new_v4();
    let action = deps.public(&format!("/self-service/{}?flow={flow_id}", kind.as_str()));
    let url = without_answer(context.url());
    Flow {
        id: flow_id,
        kind,
        flow_type,
        issued_at: context.now,
        expires_at: context.now + deps.lifespan(kind),
        created_at: context.now,
        updated_at: context.now,
        request_url: url.to_owned(),
        return_to: return_to_of(url),
        active: None,
        ui: Container::new(action),
        state: if kind == FlowKind::Settings { FlowState::ShowForm } else { FlowState::ChooseMethod },
        organization_id: None,
        identity_schema: None,
        refresh: false,
        requested_aal: Aal::Aal1,
        oauth2_login_challenge: None,
        identity_id: None,
        continue_with: Vec::new(),
        csrf_token: if flow_type == FlowType::Browser { context.csrf.token.clone() } else { String::new() },
        transient_payload: None,
        session_token_exchange_code: None,
        oauth2_login_request: None,
        pending_link: None,
        linking_only: false,
        token_exchange: false,
        test_context: None,
    }
}

/// A new flow that goes on where another one ends: because it expired, turns into one of the other kind, or asks for more.
pub(crate) fn in_place_of(deps: &Deps, context: &Context, kind: FlowKind, old: &Flow) -> Flow {
    Flow {
        // Kratos: these two stay. The others it reads from the query of the request at hand, which is another one.
        request_url: old.request_url.clone(),
        identity_schema: old.identity_schema.clone(),
        return_to: old.return_to.clone(),
        organization_id: old.organization_id,
        oauth2_login_challenge: old.oauth2_login_challenge.clone(),
        ..new_flow(deps, context, kind, old.flow_type)
    }
}

/// The URL of a request; of a callback without its query, for a provider's code and state have no business in the database
/// (Kratos keeps them there), and a callback's query doesn't say where the next flow leads.
fn without_answer(url: &str) -> &str {
    match url.split_once('?') {
        Some((before, _)) if before.contains("/self-service/methods/oidc/") => before,
        _ => url,
    }
}

/// `return_to` of a URL's query, if it has one.
pub(crate) fn return_to_of(url: &str) -> Option<String> {
    let query = url.split_once('?')?.1.split('#').next().unwrap_or_default();
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    pairs.find(|(key, _)| key == "return_to").map(|(_, value)| value.into_owned()).filter(|value| !value.is_empty())
}

/// Where the browser goes when the flow is done: what the flow asked for if it is allowed, else the default.
///
/// # Errors
/// 400 when what was asked for isn't on the allow-list (any more).
pub(crate) fn return_url(deps: &Deps, flow: &Flow, default: &str) -> Result<String, ApiError> {
    let wanted = flow.return_to.clone().or_else(|| return_to_of(&flow.request_url));
    return_to::resolve(wanted.as_deref(), default, &deps.allowed_return_urls)
}

/// Checks at initialisation that the request's `return_to` is allowed.
pub(crate) fn check_return_to(deps: &Deps, context: &Context) -> Result<(), ApiError> {
    let wanted = return_to_of(context.url());
    return_to::resolve(wanted.as_deref(), deps.default_return_url(), &deps.allowed_return_urls).map(|_| ())
}

/// The flow id of a submission.
///
/// # Errors
/// 400 when it is missing or isn't a UUID.
pub(crate) fn flow_id(text: Option<&str>) -> Result<Uuid, ApiError> {
    let parsed = text.and_then(|text| Uuid::parse_str(text).ok()).filter(|id| !id.is_nil());
    parsed.ok_or_else(|| ApiError::bad_request("The flow query parameter is missing or malformed."))
}

/// The flow that a client names.
///
/// # Errors
/// 404 when there is none of this kind, whatever the id looks like.
pub(crate) async fn find(deps: &Deps, kind: FlowKind, id: Option<&str>) -> Result<Flow, ApiError> {
    let id = id.and_then(|id| Uuid::parse_str(id).ok()).ok_or_else(ApiError::no_such_row)?;
    let found = deps.store.find_flow(kind, id).await.map_err(|error| store_error(&error))?;
    found.ok_or_else(ApiError::no_such_row)
}

/// 410 for reading an expired flow, with where to begin anew (contract §1.4).
pub(crate) fn gone(deps: &Deps, flow: &Flow) -> ApiError {
    let kind = flow.kind.as_str();
    let error = ApiError::new(410);
    let error = if flow.kind == FlowKind::Settings { error } else { error.with_id(id::FLOW_EXPIRED) };
    if flow.is_browser() {
        let init = deps.public(&format!("/self-service/{kind}/browser"));
        let return_to = flow.return_to.clone().unwrap_or_default();
        let to = if return_to.is_empty() { init } else { with_query(&init, &[("return_to", &return_to)]) };
        return error
            .with_reason(format!("The {kind} flow has expired. Redirect the user to the {kind} flow init endpoint to initialize a new {kind} flow."))
            .with_detail("redirect_to", to)
            .with_detail("return_to", return_to);
    }
    error
        .with_reason(format!(
            "The {kind} flow has expired. Call the {kind} flow init API endpoint to initialize a new {kind} flow."
        ))
        .with_detail("api", deps.public(&format!("/self-service/{kind}/api")))
}

/// The answer to a submission of an expired flow, once its replacement is stored.
pub(crate) fn replaced(context: &Context, old: &Flow, new: Flow) -> Reply {
    let since = context.now.since(old.expires_at);
    let minutes = since.as_secs_f64() / 60.0;
    let error = ApiError::new(410)
        .with_id(id::FLOW_EXPIRED)
        .with_message("self-service flow expired")
        .with_reason(format!("The self-service flow expired {minutes:.2} minutes ago, initialize a new one."))
        .with_sibling("expired_at", json!(old.expires_at))
        .with_sibling("since", json!(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)))
        .with_sibling("use_flow_id", json!(new.id));
    Outcome::FlowReplaced { flow: Box::new(new), expired_at: old.expires_at, error }.into()
}

/// An error that no flow can show: JSON for native flows and JSON clients, else the error page.
pub(crate) fn refuse(flow: Option<&Flow>, error: ApiError) -> Reply {
    if flow.is_some_and(|flow| !flow.is_browser()) {
        return Outcome::RefusedJson(error).into();
    }
    Outcome::Refused { error, redirect: None }.into()
}

/// Stores the flow with its messages and sends the client back to it.
pub(crate) async fn form_error(deps: &Deps, context: &Context, mut flow: Flow, status: u16) -> Reply {
    flow.updated_at = context.now;
    // Kratos: a failed form is read back from the database, where no payload is kept.
    flow.transient_payload = None;
    if let Err(error) = save(deps, &flow).await {
        return refuse(Some(&flow), crate::error::store_error(&error));
    }
    Outcome::FormError { flow: Box::new(flow), status, query: Vec::new() }.into()
}

/// Writes a flow that exists already.
pub(crate) async fn save(deps: &Deps, flow: &Flow) -> Result<(), bia_store::StoreError> {
    let mut tx = deps.store.begin().await?;
    tx.update_flow(flow).await?;
    tx.commit().await
}

/// Writes a new flow.
pub(crate) async fn insert(deps: &Deps, flow: &Flow) -> Result<(), bia_store::StoreError> {
    let mut tx = deps.store.begin().await?;
    tx.insert_flow(flow).await?;
    tx.commit().await
}

/// Shows `error` in the flow if it can be shown there, else as an error page or JSON error.
///
/// `oidc` says that the error comes from the way to the provider and back: a native app that waits at the
/// token exchange is then told by way of its `return_to`.
pub(crate) async fn fail(deps: &Deps, context: &Context, mut flow: Flow, error: FlowError, oidc: bool) -> Reply {
    match error {
        FlowError::Expired => return crate::replace_expired(deps, context, &flow).await,
        FlowError::NeedsPrivilegedSession => {
            return crate::settings::reauthenticate(deps, context, &flow).await;
        }
        error => {
            let status = error.status();
            flow.ui.clear_messages();
            if let Err(error) = error.show(&mut flow) {
                return refuse(Some(&flow), *error);
            }
            let keys = schema_keys(deps, &flow).await;
            flow.ui.sort(flow.kind, &keys);
            if oidc && flow.token_exchange && !flow.is_browser() {
                return crate::token_exchange::return_failed(deps, context, flow).await;
            }
            form_error(deps, context, flow, status).await
        }
    }
}

/// The trait keys of the flow's schema, for sorting; none when the schema can't be had.
pub(crate) async fn schema_keys(deps: &Deps, flow: &Flow) -> Vec<String> {
    let schema_id = flow.identity_schema.as_deref().unwrap_or(deps.schemas.default_id());
    deps.schemas.get(schema_id).await.map(|schema| schema.keys()).unwrap_or_default()
}

/// A redirect that JSON clients get as an error instead.
pub(crate) fn redirect_or(error: ApiError, redirect: Redirect) -> Reply {
    Outcome::Refused { error, redirect: Some(redirect) }.into()
}
