//! The login flow: begin, read, submit (contract §1.3-1.5).

use crate::context::{Context, InitQuery, SubmitInput};
use crate::deps::Deps;
use crate::error::{FlowError, store_error};
use crate::flow;
use crate::outcome::{Outcome, Redirect, Reply};
use crate::submit::Submission;
use crate::{csrf, home_realm, oauth2, oidc, schema_choice, step_up, ui};
use bia_model::{Aal, ApiError, Flow, FlowKind, FlowType, Group, Message, error::id};
use uuid::Uuid;

/// `createBrowserLoginFlow` and `createNativeLoginFlow`.
pub async fn create_flow(deps: &Deps, context: &Context, flow_type: FlowType, query: &InitQuery) -> Reply {
    match begin(deps, context, flow_type, query).await {
        Ok(reply) => reply,
        Err(error) if flow_type == FlowType::Api => Outcome::RefusedJson(error).into(),
        Err(error) => error.into(),
    }
}

async fn begin(deps: &Deps, context: &Context, flow_type: FlowType, query: &InitQuery) -> Result<Reply, ApiError> {
    let request = match oauth2::challenge(deps, query)? {
        Some(challenge) if flow_type == FlowType::Browser => Some(oauth2::get_login_request(deps, &challenge).await?),
        _ => None,
    };
    let mut flow = flow::new_flow(deps, context, FlowKind::Login, flow_type);
    flow.requested_aal = requested_aal(query.get("aal"))?;
    // An OAuth2 server that doesn't say `skip` wants the person to sign in again.
    flow.refresh = query.go_bool("refresh") || request.as_ref().is_some_and(|request| !request.skip());
    if flow.requested_aal == Aal::Aal1 {
        flow.identity_schema = schema_choice::of(deps, query)?;
    }
    flow.organization_id = query.get("organization").and_then(|text| Uuid::parse_str(text).ok());
    if let Some(request) = &request {
        flow.oauth2_login_challenge = Some(request.challenge.clone());
        flow.oauth2_login_request = Some(request.body.clone());
        if let Some(url) = request.request_url().filter(|_| deps.config.oauth2_provider.override_return_to) {
            flow.return_to = Some(url.to_owned());
        }
    }
    if flow.return_to == flow::return_to_of(context.url()) {
        flow::check_return_to(deps, context)?;
    }
    if let Some(done) = already_signed_in(deps, context, &mut flow, request.as_ref()).await? {
        return Ok(done);
    }
    if flow_type == FlowType::Api && context.session.is_none() && query.go_bool("return_session_token_exchange_code") {
        crate::token_exchange::open(deps, context, &mut flow).await?;
    }
    populate(deps, context, &mut flow, false);
    home_realm::offer(deps, &mut flow).await;
    if let Err(error) = crate::hooks::before(deps, context, &flow).await {
        return Ok(flow::fail(deps, context, flow, error, false).await);
    }
    flow::insert(deps, &flow).await.map_err(|error| store_error(&error))?;
    Ok(Outcome::FlowCreated(Box::new(flow)).into())
}

fn requested_aal(text: Option<&str>) -> Result<Aal, ApiError> {
    match text.unwrap_or_default().to_lowercase().as_str() {
        "" | "aal1" => Ok(Aal::Aal1),
        "aal2" => Ok(Aal::Aal2),
        other => {
            let shown: String = other.chars().take(40).collect();
            Err(ApiError::bad_request(format!(
                "Unable to parse AuthenticationMethod Assurance Level (AAL): expected one of [aal1, aal2], got {shown}"
            )))
        }
    }
}

/// What a session means for a new login (the table in contract §1.3).
async fn already_signed_in(
    deps: &Deps,
    context: &Context,
    flow: &mut Flow,
    request: Option<&oauth2::LoginRequest>,
) -> Result<Option<Reply>, ApiError> {
    let Some(session) = &context.session else {
        if flow.requested_aal > Aal::Aal1 {
            return Err(aal1_required());
        }
        flow.refresh = false;
        return Ok(None);
    };
    if flow.refresh || flow.requested_aal > session.aal {
        return Ok(None);
    }
    let to = match request {
        Some(request) => oauth2::accept(deps, &request.challenge, session).await?,
        None => flow::return_url(deps, flow, deps.default_return_url())?,
    };
    if flow.flow_type == FlowType::Api {
        return Ok(Some(Outcome::RefusedJson(already_available()).into()));
    }
    Ok(Some(flow::redirect_or(already_available(), Redirect::see_other(to))))
}

/// 401 `session_aal1_required`.
pub(crate) fn aal1_required() -> ApiError {
    ApiError::unauthorized("You can not requested a higher AAL (AAL2/AAL3) without an active session.")
        .with_id(id::SESSION_AAL1_REQUIRED)
        .with_message("aal2 and aal3 can only be requested if a session exists already")
}

/// 400 `session_already_available`.
pub(crate) fn already_available() -> ApiError {
    ApiError::bad_request(
        "A valid session was detected and thus login is not possible. Did you forget to set `?refresh=true`?",
    )
    .with_id(id::SESSION_ALREADY_AVAILABLE)
    .with_message("you are already logged in")
}

/// Fills the form: providers, messages, the anti-CSRF field. `linking` keeps the plain form whatever the style.
pub(crate) fn populate(deps: &Deps, context: &Context, flow: &mut Flow, linking: bool) {
    let session = context.session.as_ref();
    let identity = session.and_then(|session| session.identity.as_ref());
    if deps.config.selfservice.methods.oidc.enabled {
        match (flow.requested_aal, identity) {
            (Aal::Aal2, Some(identity)) => {
                step_up::prepare(flow, identity);
                ui::step_up_buttons(deps, flow, identity);
            }
            (Aal::Aal2, None) => {}
            (_, Some(identity)) if flow.refresh => ui::refresh_buttons(deps, flow, identity),
            _ => ui::provider_buttons(deps, flow),
        }
    }
    ui::csrf(flow);
    if !linking && flow.refresh {
        flow.ui.messages.push(Message::refresh());
    }
    if session.is_some_and(|session| flow.requested_aal > session.aal && flow.requested_aal > Aal::Aal1) {
        flow.ui.messages.push(Message::second_factor());
    }
    flow.ui.sort(FlowKind::Login, &[]);
}

/// A flow for the second factor of somebody who has shown the first one, in place of `login`.
pub(crate) fn for_second_factor(deps: &Deps, context: &Context, login: &Flow) -> Flow {
    let mut flow = flow::in_place_of(deps, context, FlowKind::Login, login);
    flow.requested_aal = Aal::Aal2;
    populate(deps, context, &mut flow, true);
    flow
}

/// `getLoginFlow`.
pub async fn get_flow(deps: &Deps, context: &Context, id: Option<&str>) -> Reply {
    match read(deps, context, id).await {
        Ok(flow) => Outcome::FlowShown(Box::new(flow)).into(),
        Err(error) => Outcome::RefusedJson(error).into(),
    }
}

async fn read(deps: &Deps, context: &Context, id: Option<&str>) -> Result<Flow, ApiError> {
    let mut flow = flow::find(deps, FlowKind::Login, id).await?;
    if flow.test_context.is_some() {
        crate::test_login::check_reader(context, &flow)?;
    } else if flow.is_browser() && !(context.csrf.cookie_sent && csrf::matches(&context.csrf.token, &flow.csrf_token)) {
        return Err(csrf::violation(context, false));
    }
    if flow.is_expired(context.now) {
        return Err(flow::gone(deps, &flow));
    }
    if let Some(challenge) = flow.oauth2_login_challenge.clone() {
        flow.oauth2_login_request = Some(oauth2::get_login_request(deps, &challenge).await?.body);
    }
    Ok(flow)
}

/// `updateLoginFlow`.
pub async fn submit(deps: &Deps, context: &Context, input: SubmitInput) -> Reply {
    let found = match flow::flow_id(input.flow.as_deref()) {
        Ok(id) => flow::find(deps, FlowKind::Login, Some(&id.to_string())).await,
        Err(error) => Err(error),
    };
    let mut login = match found {
        Ok(flow) => flow,
        Err(error) => return error.into(),
    };
    if let Some(reply) = refuse_signed_in(deps, context, &login).await {
        return reply;
    }
    if let Err(error) = crate::test_login::check_unused(&login) {
        return flow::refuse(Some(&login), error);
    }
    if login.is_expired(context.now) {
        return flow::fail(deps, context, login.clone(), FlowError::Expired, false).await;
    }
    let schema = match crate::registration::schema_of(deps, &login).await {
        Ok(schema) => schema,
        Err(error) => return flow::refuse(Some(&login), error),
    };
    let submission = match Submission::decode(&input, Some(&schema)) {
        Ok(submission) => submission,
        Err(error) => return flow::fail(deps, context, login, error.into(), false).await,
    };
    match respond(deps, context, &mut login, &submission).await {
        Ok(reply) => reply,
        Err((error, group)) => flow::fail(deps, context, login, error, group == Group::Oidc).await,
    }
}

async fn respond(
    deps: &Deps,
    context: &Context,
    login: &mut Flow,
    submission: &Submission,
) -> Result<Reply, (FlowError, Group)> {
    let oidc_error = |error: FlowError| (error, Group::Oidc);
    submission.check_text(&["provider", "method", "csrf_token"]).map_err(|error| oidc_error(error.into()))?;
    oidc::start::refuse_other_method(submission).map_err(|error| (error.into(), Group::Default))?;
    login.transient_payload = Some(submission.transient_payload());
    if home_realm::is_asked(deps, login, submission) {
        let reply = home_realm::submit(deps, context, login, submission).await;
        return reply.map_err(|error| (error, Group::IdentifierFirst));
    }
    let steps_up = login.requested_aal == Aal::Aal2 && login.ui.nodes.iter().any(|node| node.group == Group::Oidc);
    if (login.requested_aal == Aal::Aal1 || steps_up)
        && let Some(provider) = oidc::start::asked_provider(submission)
    {
        return oidc::start::start(deps, context, login, submission, &provider).await.map_err(oidc_error);
    }
    Err((FlowError::message(Message::no_strategy(FlowKind::Login)), Group::Default))
}

/// Somebody who is signed in already can't submit a login, unless it refreshes or raises the session.
async fn refuse_signed_in(deps: &Deps, context: &Context, login: &Flow) -> Option<Reply> {
    match &context.session {
        Some(session) if login.refresh || login.requested_aal > session.aal => None,
        // It signs nobody in; administrators try a provider in the browser that they work in.
        Some(_) if login.test_context.is_some() => None,
        Some(_) if context.is_json || !login.is_browser() => {
            Some(flow::fail(deps, context, login.clone(), already_available().into(), false).await)
        }
        // Kratos: the global default URL, whatever the flow's return_to.
        Some(_) => Some(Outcome::RedirectAll(Redirect::see_other(deps.default_return_url())).into()),
        None if login.requested_aal > Aal::Aal1 => {
            Some(flow::fail(deps, context, login.clone(), aal1_required().into(), false).await)
        }
        None => None,
    }
}

/// A fresh flow in place of one that expired.
pub(crate) async fn replacement(deps: &Deps, context: &Context, old: &Flow) -> Result<Flow, FlowError> {
    let mut flow = flow::in_place_of(deps, context, FlowKind::Login, old);
    flow.refresh = old.refresh && context.session.is_some();
    populate(deps, context, &mut flow, false);
    home_realm::offer(deps, &mut flow).await;
    crate::hooks::before(deps, context, &flow).await?;
    flow.ui.messages.push(Message::flow_expired(FlowKind::Login, old.expires_at, context.now));
    flow::insert(deps, &flow).await?;
    Ok(flow)
}
