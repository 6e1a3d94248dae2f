//! The admin's test login (contract §3.11): goes to the provider, comes back with what happened, writes nothing.

mod dry_run;

use crate::context::{Context, Csrf, InitQuery};
use crate::deps::{Deps, with_query};
use crate::error::{FlowError, store_error};
use crate::oidc::Arrival;
use crate::outcome::{Outcome, Redirect, Reply};
use crate::{csrf, flow, ui};
use bia_model::{ApiError, Flow, FlowKind, FlowType, Message};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

#[derive(Deserialize)]
struct Request {
    provider_id: String,
}

/// `createTestLoginFlow` on the admin port. Beside the reply, the link that begins the sign-in.
pub async fn create(deps: &Deps, context: &Context, body: &[u8]) -> (Reply, Option<String>) {
    match try_create(deps, context, body).await {
        Ok(flow) => (Outcome::Json { status: 201, body: flow.to_json(None) }.into(), Some(page(deps, &flow))),
        Err(error) => (Outcome::RefusedJson(error).into(), None),
    }
}

/// Where a test flow is shown. The built-in page knows what a test found out; a login page of the operator's own need not.
fn page(deps: &Deps, flow: &Flow) -> String {
    let built_in = deps.config.bia.ui.enabled.then(|| deps.public("/ui/login"));
    let page = built_in.unwrap_or_else(|| deps.ui_url(FlowKind::Login).to_owned());
    with_query(&page, &[("flow", &flow.id.to_string())])
}

/// A test flow is for one sign-in: what it shows stays what it was.
///
/// # Errors
/// 410 for a test flow that has come back from the provider.
pub(crate) fn check_unused(flow: &Flow) -> Result<(), ApiError> {
    if is_captured(flow) {
        let reason = "This link was for one sign-in, and that has taken place. Ask the administrator for a new one.";
        return Err(ApiError::new(410).with_reason(reason));
    }
    Ok(())
}

fn is_captured(flow: &Flow) -> bool {
    flow.test_context.as_ref().is_some_and(|test| test.get("debug_payload").is_some())
}

async fn try_create(deps: &Deps, context: &Context, body: &[u8]) -> Result<Flow, ApiError> {
    let request: Request = serde_json::from_slice(body)
        .map_err(|_| ApiError::bad_request("The request body must be JSON with the key provider_id."))?;
    let provider =
        deps.config.provider(&request.provider_id).ok_or_else(|| crate::oidc::start::unknown(&request.provider_id))?;
    let mut flow = flow::new_flow(deps, context, FlowKind::Login, FlowType::Browser);
    // A test flow is no browser's until it came back from the provider: it has a token of its own.
    flow.csrf_token = csrf::new_token();
    flow.organization_id = provider.organization_id.as_deref().and_then(|id| Uuid::parse_str(id).ok());
    flow.test_context = Some(json!({ "provider_id": provider.id }));
    flow.ui.nodes.push(ui::provider_button(&provider.id, Message::sign_in_with(provider.label(), &provider.id)));
    ui::csrf(&mut flow);
    flow.ui.sort(FlowKind::Login, &[]);
    flow::insert(deps, &flow).await.map_err(|error| store_error(&error))?;
    Ok(flow)
}

/// `deleteTestLoginFlow`.
pub async fn delete(deps: &Deps, context: &Context, query: &InitQuery) -> Reply {
    let id = query.non_empty("id").or_else(|| query.non_empty("flow")).and_then(|id| Uuid::parse_str(id).ok());
    let found = match id {
        Some(id) => deps.store.find_flow(FlowKind::Login, id).await,
        None => Ok(None),
    };
    match found {
        Ok(Some(flow)) if flow.test_context.is_some() => match check_reader(context, &flow) {
            Ok(()) => match deps.store.delete_flow(flow.id).await {
                Ok(_) => Outcome::Done { return_to: None }.into(),
                Err(error) => Outcome::RefusedJson(store_error(&error)).into(),
            },
            Err(error) => Outcome::RefusedJson(error).into(),
        },
        Ok(_) => Outcome::RefusedJson(ApiError::no_such_row()).into(),
        Err(error) => Outcome::RefusedJson(store_error(&error)).into(),
    }
}

/// Before the trip anybody may read a test flow, it holds nothing; afterwards only the browser that made it.
///
/// # Errors
/// 403 for anybody else.
pub(crate) fn check_reader(context: &Context, flow: &Flow) -> Result<(), ApiError> {
    let Csrf { token, cookie_sent, .. } = &context.csrf;
    if !is_captured(flow) || (*cookie_sent && csrf::matches(token, &flow.csrf_token)) {
        return Ok(());
    }
    Err(ApiError::forbidden("missing or invalid CSRF token"))
}

/// The sign-in arrived: run the mapper, validate, and show what would have happened.
pub(crate) async fn finish(deps: &Deps, context: &Context, flow: Flow, arrival: Arrival<'_>) -> Reply {
    let known = crate::oidc::login::find_unchanged(deps, &arrival).await.ok().flatten();
    let payload = dry_run::payload(deps, &arrival, known.as_ref()).await;
    capture(deps, context, flow, payload).await
}

/// The sign-in failed on its way; the admin sees at which step.
pub(crate) async fn fail(deps: &Deps, context: &Context, flow: Flow, error: FlowError) -> Reply {
    let error = describe(&error, "callback");
    let detail = error["reason"].as_str().or(error["message"].as_str()).unwrap_or_default().to_owned();
    let payload = json!({ "checks": [dry_run::check("token", false, &detail)], "error": error });
    capture(deps, context, flow, payload).await
}

fn describe(error: &FlowError, step: &str) -> Value {
    match error {
        FlowError::Api(error) => {
            json!({ "step": step, "reason": error.reason, "message": error.message })
        }
        _ => json!({ "step": step, "reason": null, "message": "the sign-in can not be finished" }),
    }
}

async fn capture(deps: &Deps, context: &Context, mut flow: Flow, payload: Value) -> Reply {
    if let Some(test) = flow.test_context.as_mut().and_then(Value::as_object_mut) {
        test.insert("debug_payload".to_owned(), payload);
    }
    // From here on the flow holds claims: it belongs to this browser.
    flow.csrf_token.clone_from(&context.csrf.token);
    flow.updated_at = context.now;
    if let Err(error) = flow::save(deps, &flow).await {
        return flow::refuse(None, store_error(&error));
    }
    Outcome::RedirectAll(Redirect::see_other(page(deps, &flow))).into()
}
