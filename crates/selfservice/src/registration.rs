//! The registration flow: begin, read, submit (contract §1.3-1.5).

use crate::context::{Context, InitQuery, SubmitInput};
use crate::deps::{Deps, with_query};
use crate::error::{FlowError, store_error};
use crate::flow;
use crate::outcome::{Outcome, Redirect, Reply};
use crate::submit::Submission;
use crate::{csrf, oauth2, oidc, profile, schema_choice, ui};
use bia_model::{ApiError, Flow, FlowKind, FlowType, Group, IdentitySchema, Message, error::id};
use uuid::Uuid;

/// `createBrowserRegistrationFlow` and `createNativeRegistrationFlow`.
pub async fn create_flow(deps: &Deps, context: &Context, flow_type: FlowType, query: &InitQuery) -> Reply {
    match begin(deps, context, flow_type, query).await {
        Ok(reply) => reply,
        Err(error) if flow_type == FlowType::Api => Outcome::RefusedJson(error).into(),
        Err(error) => error.into(),
    }
}

async fn begin(deps: &Deps, context: &Context, flow_type: FlowType, query: &InitQuery) -> Result<Reply, ApiError> {
    if !deps.config.selfservice.flows.registration.enabled {
        return Err(disabled());
    }
    let mut flow = flow::new_flow(deps, context, FlowKind::Registration, flow_type);
    flow::check_return_to(deps, context)?;
    flow.identity_schema = schema_choice::of(deps, query)?;
    flow.organization_id = query.get("organization").and_then(|text| Uuid::parse_str(text).ok());
    if flow_type == FlowType::Browser
        && let Some(challenge) = oauth2::challenge(deps, query)?
    {
        let request = oauth2::get_login_request(deps, &challenge).await?;
        if let Some(url) = request.request_url().filter(|_| deps.config.oauth2_provider.override_return_to) {
            flow.return_to = Some(url.to_owned());
        }
        if let Some(reply) = signed_in_with_challenge(deps, context, &request).await? {
            return Ok(reply);
        }
        flow.oauth2_login_challenge = Some(challenge);
        flow.oauth2_login_request = Some(request.body);
    }
    if context.session.is_some() {
        return already_signed_in(deps, &flow);
    }
    // Kratos: on registration the parameter must be the literal text `true`.
    if flow_type == FlowType::Api && query.get("return_session_token_exchange_code") == Some("true") {
        crate::token_exchange::open(deps, context, &mut flow).await?;
    }
    let schema = schema_of(deps, &flow).await?;
    populate(deps, &mut flow, &schema);
    if let Err(error) = crate::hooks::before(deps, context, &flow).await {
        return Ok(flow::fail(deps, context, flow, error, false).await);
    }
    flow::insert(deps, &flow).await.map_err(|error| store_error(&error))?;
    Ok(Outcome::FlowCreated(Box::new(flow)).into())
}

/// Signed in, and the OAuth2 server is waiting: accept when it may skip, else go through a login.
async fn signed_in_with_challenge(
    deps: &Deps,
    context: &Context,
    request: &oauth2::LoginRequest,
) -> Result<Option<Reply>, ApiError> {
    let Some(session) = &context.session else {
        return Ok(None);
    };
    let to = if request.skip() {
        oauth2::accept(deps, &request.challenge, session).await?
    } else {
        let query = context.url().split_once('?').map_or("", |(_, query)| query);
        let login = deps.public("/self-service/login/browser");
        let to = if query.is_empty() { login } else { format!("{login}?{query}") };
        return Ok(Some(Outcome::RedirectAll(Redirect::found(to)).into()));
    };
    Ok(Some(flow::redirect_or(already_available(), Redirect::see_other(to))))
}

fn already_signed_in(deps: &Deps, flow: &Flow) -> Result<Reply, ApiError> {
    if flow.flow_type == FlowType::Api {
        return Ok(Outcome::RefusedJson(already_available()).into());
    }
    let to = flow::return_url(deps, flow, deps.default_return_url())?;
    Ok(flow::redirect_or(already_available(), Redirect::see_other(to)))
}

/// 400 `self_service_flow_disabled`.
pub(crate) fn disabled() -> ApiError {
    ApiError::bad_request("Registration is not allowed because it was disabled.")
        .with_id(id::FLOW_DISABLED)
        .with_message("registration flow disabled")
}

fn already_available() -> ApiError {
    ApiError::bad_request("A valid session was detected and thus registration is not possible.")
        .with_id(id::SESSION_ALREADY_AVAILABLE)
        .with_message("you are already logged in")
}

/// The schema that the new identity will have.
pub(crate) async fn schema_of(deps: &Deps, flow: &Flow) -> Result<IdentitySchema, ApiError> {
    let id = flow.identity_schema.as_deref().unwrap_or(deps.schemas.default_id());
    deps.schemas.get(id).await.map_err(|error| match FlowError::from(error) {
        FlowError::Api(error) => *error,
        _ => ApiError::internal("The identity schema can not be used."),
    })
}

/// Fills the form: providers, the anti-CSRF field, the traits.
pub(crate) fn populate(deps: &Deps, flow: &mut Flow, schema: &IdentitySchema) {
    if deps.config.selfservice.methods.oidc.enabled {
        ui::provider_buttons(deps, flow);
        crate::home_realm::hide_buttons(deps, flow);
    }
    ui::csrf(flow);
    ui::registration_fields(deps, flow, schema);
    flow.ui.sort(FlowKind::Registration, &schema.keys());
}

/// `getRegistrationFlow`.
pub async fn get_flow(deps: &Deps, context: &Context, id: Option<&str>) -> Reply {
    let enabled = deps.config.selfservice.flows.registration.enabled;
    let found = flow::find(deps, FlowKind::Registration, id).await;
    // A flow that doesn't exist reports a disabled registration, so that nobody learns which flows exist.
    match &found {
        Err(error) if error.code == 404 && !enabled => return disabled().into(),
        Ok(flow) if !enabled && !is_linking(flow) => return disabled().into(),
        _ => {}
    }
    match found.and_then(|flow| readable(deps, context, flow)) {
        Ok(mut flow) => {
            if let Some(challenge) = flow.oauth2_login_challenge.clone() {
                match oauth2::get_login_request(deps, &challenge).await {
                    Ok(request) => flow.oauth2_login_request = Some(request.body),
                    Err(error) => return error.into(),
                }
            }
            Outcome::FlowShown(Box::new(flow)).into()
        }
        Err(error) => Outcome::RefusedJson(error).into(),
    }
}

fn readable(deps: &Deps, context: &Context, flow: Flow) -> Result<Flow, ApiError> {
    if flow.is_browser() && !(context.csrf.cookie_sent && csrf::matches(&context.csrf.token, &flow.csrf_token)) {
        return Err(csrf::violation(context, false));
    }
    if flow.is_expired(context.now) {
        return Err(flow::gone(deps, &flow));
    }
    Ok(flow)
}

/// A registration that came from a login and may only link, never create.
fn is_linking(flow: &Flow) -> bool {
    flow.linking_only
}

/// `updateRegistrationFlow`.
pub async fn submit(deps: &Deps, context: &Context, input: SubmitInput) -> Reply {
    let found = match flow::flow_id(input.flow.as_deref()) {
        Ok(id) => flow::find(deps, FlowKind::Registration, Some(&id.to_string())).await,
        Err(error) => Err(error),
    };
    let mut registration = match found {
        Ok(flow) => flow,
        Err(error) => return error.into(),
    };
    if context.session.is_some() {
        if registration.is_browser() {
            return Outcome::RedirectAll(Redirect::see_other(deps.default_return_url())).into();
        }
        return Outcome::RefusedJson(already_available()).into();
    }
    if registration.is_expired(context.now) {
        let error = FlowError::Expired;
        return flow::fail(deps, context, registration, error, false).await;
    }
    let schema = match schema_of(deps, &registration).await {
        Ok(schema) => schema,
        Err(error) => return flow::refuse(Some(&registration), error),
    };
    match respond(deps, context, &mut registration, &schema, &input).await {
        Ok(reply) => reply,
        Err((error, group)) => flow::fail(deps, context, registration, error, group == Group::Oidc).await,
    }
}

async fn respond(
    deps: &Deps,
    context: &Context,
    registration: &mut Flow,
    schema: &IdentitySchema,
    input: &SubmitInput,
) -> Result<Reply, (FlowError, Group)> {
    if let Some(reply) = profile::register(deps, context, registration, schema, input).await? {
        return Ok(reply);
    }
    let decoded = Submission::decode(input, Some(schema)).and_then(|submission| {
        submission.check_text(&["provider", "method", "csrf_token"])?;
        Ok(submission)
    });
    let submission = match decoded {
        Ok(submission) => submission,
        Err(error) => {
            // Kratos: an undecodable body resets the form to a bare "Continue" before it is shown.
            ui::continuation(deps, registration, "", None);
            return Err((error.into(), Group::Oidc));
        }
    };
    oidc::start::refuse_other_method(&submission).map_err(|error| (error.into(), Group::Default))?;
    if let Some(provider) = oidc::start::asked_provider(&submission) {
        registration.transient_payload = Some(submission.transient_payload());
        return oidc::start::start(deps, context, registration, &submission, &provider)
            .await
            .map_err(|error| (error, Group::Oidc));
    }
    // Kratos: before it gives up, one of its methods has looked at the traits.
    let errors = schema.validate(&submission.traits());
    if !errors.is_empty() {
        return Err((FlowError::Traits(errors), Group::Default));
    }
    Err((FlowError::message(Message::no_strategy(FlowKind::Registration)), Group::Default))
}

/// A fresh flow in place of one that expired.
pub(crate) async fn replacement(deps: &Deps, context: &Context, old: &Flow) -> Result<Flow, FlowError> {
    if !deps.config.selfservice.flows.registration.enabled {
        return Err(disabled().into());
    }
    let mut flow = flow::in_place_of(deps, context, FlowKind::Registration, old);
    let schema = schema_of(deps, &flow).await?;
    populate(deps, &mut flow, &schema);
    crate::hooks::before(deps, context, &flow).await?;
    flow.ui.messages.push(Message::flow_expired(FlowKind::Registration, old.expires_at, context.now));
    flow::insert(deps, &flow).await?;
    Ok(flow)
}

/// The registration page with a flow, used by answers that lead there.
pub(crate) fn page(deps: &Deps, flow: &Flow) -> String {
    with_query(deps.ui_url(FlowKind::Registration), &[("flow", &flow.id.to_string())])
}
