//! The settings flow: begin, read, submit, save (contract §1.3-1.5, §3.9).

use crate::context::{Context, InitQuery, SubmitInput};
use crate::deps::{Deps, with_query};
use crate::error::{FlowError, store_error};
use crate::flow;
use crate::oidc::settings as oidc_settings;
use crate::outcome::{Outcome, Redirect, Reply};
use crate::submit::Submission;
use crate::{csrf, profile, ui};
use bia_hooks::Method;
use bia_identity::identities;
use bia_model::{ApiError, Flow, FlowKind, FlowType, Group, Identity, Message, Session, error::id};
use uuid::Uuid;

mod meanwhile;
mod park;
mod save;

pub(crate) use park::reauthenticate;
pub(crate) use save::{Change, save};

/// `createBrowserSettingsFlow` and `createNativeSettingsFlow`.
pub async fn create_flow(deps: &Deps, context: &Context, flow_type: FlowType, query: &InitQuery) -> Reply {
    let Some(session) = &context.session else {
        return no_session(deps, context, flow_type);
    };
    match begin(deps, context, flow_type, query, session).await {
        Ok(reply) => reply,
        Err(error) if flow_type == FlowType::Api => Outcome::RefusedJson(error).into(),
        Err(error) => error.into(),
    }
}

async fn begin(
    deps: &Deps,
    context: &Context,
    flow_type: FlowType,
    query: &InitQuery,
    session: &Session,
) -> Result<Reply, ApiError> {
    let with_return = flow::return_to_of(context.url()).map(|_| context.url());
    if let Some(reply) = check_aal(deps, context, session, flow_type, with_return) {
        return Ok(reply);
    }
    flow::check_return_to(deps, context)?;
    let identity = session.identity.clone().ok_or_else(ApiError::no_such_row)?;
    let mut flow = new(deps, context, flow_type, &identity).await.map_err(as_api)?;
    flow.organization_id = query.get("organization").and_then(|text| Uuid::parse_str(text).ok());
    if flow.organization_id.is_some() {
        refill(deps, &mut flow, &identity).await.map_err(as_api)?;
    }
    crate::hooks::before(deps, context, &flow).await.map_err(as_api)?;
    flow::insert(deps, &flow).await.map_err(|error| store_error(&error))?;
    Ok(Outcome::FlowCreated(Box::new(flow)).into())
}

fn as_api(error: FlowError) -> ApiError {
    match error {
        FlowError::Api(error) => *error,
        _ => ApiError::internal("The settings flow can not be created."),
    }
}

/// A settings flow for an identity, not stored yet.
async fn new(deps: &Deps, context: &Context, flow_type: FlowType, identity: &Identity) -> Result<Flow, FlowError> {
    let mut flow = flow::new_flow(deps, context, FlowKind::Settings, flow_type);
    flow.identity_id = Some(identity.id);
    refill(deps, &mut flow, identity).await?;
    Ok(flow)
}

/// Draws the form as the identity is now.
async fn refill(deps: &Deps, flow: &mut Flow, identity: &Identity) -> Result<(), FlowError> {
    let schema = deps.schemas.get(&identity.schema_id).await?;
    flow.ui.nodes.clear();
    flow.ui.messages.clear();
    ui::settings_nodes(deps, flow, &schema, identity);
    flow.ui.sort(FlowKind::Settings, &schema.keys());
    Ok(())
}

fn no_session(deps: &Deps, context: &Context, flow_type: FlowType) -> Reply {
    if flow_type == FlowType::Api {
        let error = ApiError::unauthorized(
            "This endpoint can only be accessed with a valid session. Please log in and try again.",
        )
        .with_id(id::SESSION_INACTIVE)
        .with_message("request does not have a valid authentication session");
        return Outcome::RefusedJson(error).into();
    }
    let login = deps.public("/self-service/login/browser");
    let to = match flow::return_to_of(context.url()) {
        Some(return_to) => with_query(&login, &[("return_to", &return_to)]),
        None => login,
    };
    let error = crate::logout::no_session().with_sibling("CredentialsMissing", false);
    flow::redirect_or(error, Redirect::see_other(to))
}

/// Redirects to the second factor where `settings.required_aal` asks for more than the session has. A linked
/// provider with `step_up_context` is what makes a second factor available here.
fn check_aal(
    deps: &Deps,
    context: &Context,
    session: &Session,
    flow_type: FlowType,
    return_to: Option<&str>,
) -> Option<Reply> {
    if crate::step_up::suffices(deps, deps.config.selfservice.flows.settings.required_aal, session) {
        return None;
    }
    let to = crate::step_up::login_url(deps, return_to, None);
    let error = aal2_required(&to);
    if flow_type == FlowType::Api || context.is_json {
        return Some(Outcome::RefusedJson(error).into());
    }
    Some(Outcome::RedirectAll(Redirect::see_other(to)).into())
}

/// 403 `session_aal2_required`, with where to go.
pub(crate) fn aal2_required(redirect_to: &str) -> ApiError {
    ApiError::forbidden("An active session was found but it does not fulfill the requested Authenticator Assurance Level. Please verify yourself with a second factor to resolve this issue.")
        .with_id(id::SESSION_AAL2_REQUIRED)
        .with_message("Session does not fulfill the requested Authenticator Assurance Level")
        .with_detail("redirect_browser_to", redirect_to)
        .with_sibling("redirect_browser_to", redirect_to)
}

/// `getSettingsFlow`.
pub async fn get_flow(deps: &Deps, context: &Context, id: Option<&str>) -> Reply {
    let Some(session) = &context.session else {
        return unauthenticated(deps, context);
    };
    let found = match flow::find(deps, FlowKind::Settings, id).await {
        Ok(flow) => flow,
        Err(error) => return Outcome::RefusedJson(error).into(),
    };
    if found.identity_id != Some(session.identity_id) {
        return Outcome::RefusedJson(identity_mismatch()).into();
    }
    if let Some(reply) = check_aal(deps, context, session, FlowType::Api, Some(&page(deps, &found))) {
        return reply;
    }
    if found.is_expired(context.now) {
        return Outcome::RefusedJson(flow::gone(deps, &found)).into();
    }
    Outcome::FlowShown(Box::new(found)).into()
}

/// No session on a settings page: HTML goes to the login page, JSON hears that a cookie or token is missing.
fn unauthenticated(deps: &Deps, _context: &Context) -> Reply {
    let error = ApiError::unauthorized("A valid Ory Session Cookie or Ory Session Token is missing.");
    flow::redirect_or(error, Redirect::found(deps.ui_url(FlowKind::Login)))
}

fn identity_mismatch() -> ApiError {
    ApiError::forbidden("The request was made for another identity and has been blocked for security reasons.")
        .with_id(id::IDENTITY_MISMATCH)
}

/// The settings page with a flow.
pub(crate) fn page(deps: &Deps, flow: &Flow) -> String {
    with_query(deps.ui_url(FlowKind::Settings), &[("flow", &flow.id.to_string())])
}

/// The callback of a link needs the session of the flow's owner.
///
/// # Errors
/// 401 without a session, 403 with somebody else's.
pub(crate) fn check_owner(context: &Context, flow: &Flow) -> Result<(), ApiError> {
    let session = context.session.as_ref().ok_or_else(crate::logout::no_session)?;
    if flow.identity_id == Some(session.identity_id) { Ok(()) } else { Err(identity_mismatch()) }
}

/// `updateSettingsFlow`.
pub async fn submit(deps: &Deps, context: &Context, input: SubmitInput) -> Reply {
    let Some(session) = &context.session else {
        return unauthenticated(deps, context);
    };
    let found = match flow::flow_id(input.flow.as_deref()) {
        Ok(id) => flow::find(deps, FlowKind::Settings, Some(&id.to_string())).await.map_err(|error| {
            if error.code == 404 {
                ApiError::not_found("The settings request could not be found. Please restart the flow.")
            } else {
                error
            }
        }),
        Err(error) => Err(error),
    };
    let mut settings = match found {
        Ok(flow) => flow,
        Err(error) => return error.into(),
    };
    if let Some(reply) = check_aal(deps, context, session, settings.flow_type, Some(context.url())) {
        return reply;
    }
    if let Err(error) = check_owner(context, &settings) {
        return flow::refuse(Some(&settings), error);
    }
    if settings.is_expired(context.now) {
        let error = FlowError::Expired;
        return flow::fail(deps, context, settings, error, false).await;
    }
    match respond(deps, context, &mut settings, session, &input).await {
        Ok(reply) => reply,
        Err((error, _)) => flow::fail(deps, context, settings, error, false).await,
    }
}

async fn respond(
    deps: &Deps,
    context: &Context,
    settings: &mut Flow,
    session: &Session,
    input: &SubmitInput,
) -> Result<Reply, (FlowError, Group)> {
    let in_oidc = |error: FlowError| (error, Group::Oidc);
    let schema_id = session.identity.as_ref().map_or(deps.schemas.default_id(), |identity| identity.schema_id.as_str());
    let schema = deps.schemas.get(schema_id).await.map_err(|error| in_oidc(error.into()))?;
    let parked = park::unpark(deps, context, settings).await.map_err(in_oidc)?;
    let submission = match parked {
        Some(submission) => submission,
        None => Submission::decode(input, Some(&schema)).map_err(|error| in_oidc(error.into()))?,
    };
    submission.check_text(&["link", "unlink", "method", "csrf_token"]).map_err(|error| in_oidc(error.into()))?;
    settings.transient_payload = submission.given_transient_payload();
    let (link, unlink) = (submission.text("link").map(str::to_owned), submission.text("unlink").map(str::to_owned));
    let is_profile = submission.text("method") == Some("profile") && link.is_none() && unlink.is_none();
    let enabled = crate::oidc::start::check_enabled(deps);
    let result = match (link, unlink) {
        (None, None) if is_profile => {
            change_profile(deps, context, settings, session, &submission).await.map_err(|error| (error, Group::Profile))
        }
        (None, None) => Err((no_strategy(), Group::Default)),
        _ if enabled.is_err() => Err(in_oidc(enabled.err().map_or_else(no_strategy, FlowError::from))),
        (Some(_), Some(_)) => Err(in_oidc(FlowError::message(Message::generic(
            "it is not possible to link and unlink providers in the same request",
        )))),
        (Some(id), None) => {
            oidc_settings::begin_link(deps, context, settings, session, &submission, &id).await.map_err(in_oidc)
        }
        (None, Some(what)) => {
            oidc_settings::unlink(deps, context, settings, session, &submission, &what).await.map_err(in_oidc)
        }
    };
    if let Err((FlowError::NeedsPrivilegedSession, group)) = result {
        return park::park(deps, context, settings, &submission).await.map_err(|error| (error, group));
    }
    result
}

fn no_strategy() -> FlowError {
    FlowError::message(Message::no_strategy(FlowKind::Settings))
}

/// The refusal for a link that can't be made.
pub(crate) fn already_linked() -> FlowError {
    FlowError::message(Message::generic("can not link unknown or already existing OpenID Connect connection"))
}

/// The identity as stored now, not as the session remembers it.
pub(crate) async fn current_identity(deps: &Deps, session: &Session) -> Result<Identity, FlowError> {
    let found = deps.store.find_identity(session.identity_id).await?;
    found.ok_or_else(|| ApiError::no_such_row().into())
}

async fn change_profile(
    deps: &Deps,
    context: &Context,
    settings: &mut Flow,
    session: &Session,
    submission: &Submission,
) -> Result<Reply, FlowError> {
    if !deps.config.selfservice.methods.profile.enabled {
        return Err(no_strategy());
    }
    csrf::ensure(context, settings.is_browser(), submission.text("csrf_token"))?;
    if !submission.has_traits() {
        return Err(ApiError::bad_request("Did not receive any value changes.").into());
    }
    let traits = submission.traits();
    profile::fill(settings, &traits, Group::Profile);
    let before = current_identity(deps, session).await?;
    let mut identity = Identity { traits, ..before.clone() };
    identities::prepare(&deps.schemas, &mut identity, context.now).await?;
    // Identifiers and addresses are ways into the account: changing them needs a fresh sign-in.
    if protected_fields(&before) != protected_fields(&identity) && !deps.sessions.is_privileged(session, context.now) {
        return Err(FlowError::NeedsPrivilegedSession);
    }
    save(deps, context, settings, Change { method: Method::Profile, before, identity, added: None }).await
}

fn protected_fields(identity: &Identity) -> (Vec<String>, Vec<String>) {
    let identifiers = identity.credentials.values().flat_map(|credentials| credentials.identifiers.clone()).collect();
    let verifiable = identity.verifiable_addresses.iter().map(|address| address.value.clone());
    let recovery = identity.recovery_addresses.iter().map(|address| address.value.clone());
    (identifiers, verifiable.chain(recovery).collect())
}

/// A fresh flow in place of one that expired.
pub(crate) async fn replacement(deps: &Deps, context: &Context, old: &Flow) -> Result<Flow, FlowError> {
    let session = context.session.as_ref().ok_or_else(crate::logout::no_session)?;
    let identity = current_identity(deps, session).await?;
    let mut flow = flow::in_place_of(deps, context, FlowKind::Settings, old);
    flow.identity_id = Some(identity.id);
    refill(deps, &mut flow, &identity).await?;
    flow.ui.messages.push(Message::flow_expired(FlowKind::Settings, old.expires_at, context.now));
    flow::insert(deps, &flow).await?;
    Ok(flow)
}
