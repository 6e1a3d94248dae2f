//! The trait form: first step of a two-step registration, and the profile in settings
//! (Kratos: `selfservice/strategy/profile`).

use crate::context::{Context, SubmitInput};
use crate::deps::Deps;
use crate::error::{FlowError, store_error};
use crate::outcome::{Outcome, Reply};
use crate::submit::Submission;
use crate::{csrf, flow, ui};
use bia_model::identity_schema::set_values;
use bia_model::{Flow, FlowState, Group, IdentitySchema, Message, Node};
use serde_json::Value;

/// Handles `method=profile` of a registration; `None` when somebody else is responsible.
pub(crate) async fn register(
    deps: &Deps,
    context: &Context,
    registration: &mut Flow,
    schema: &IdentitySchema,
    input: &SubmitInput,
) -> Result<Option<Reply>, (FlowError, Group)> {
    if !ui::is_two_step(deps) {
        return Ok(None);
    }
    let in_form = |error: FlowError| (error, Group::Profile);
    // Kratos: its profile decoder refuses GET, which fails every registration that is submitted by GET.
    if input.is_get {
        let error = bia_model::ApiError::bad_request(
            "Unable to decode HTTP Request Body because HTTP Request Method was \"GET\" but only [POST PUT PATCH] are supported.",
        );
        return Err(in_form(error.into()));
    }
    let submission = Submission::decode(input, Some(schema)).map_err(|error| in_form(error.into()))?;
    let traits = submission.traits();
    let step = match (submission.text("method"), submission.text("screen")) {
        (Some("profile"), Some("previous")) | (Some("profile:back"), _) | (None, Some("previous")) => Step::Back,
        (Some("profile"), _) | (_, Some(_)) => Step::Credentials,
        _ => return Ok(None),
    };
    registration.active = None;
    registration.state = FlowState::ChooseMethod;
    registration.ui.clear_messages();
    match step {
        Step::Back => show_profile(deps, registration, schema, &traits),
        Step::Credentials => {
            let shown = show_credentials(context, registration, schema, &submission, &traits);
            if let Err(error) = shown {
                fill(registration, &traits, Group::Default);
                return Err(in_form(error));
            }
        }
    }
    registration.ui.sort(registration.kind, &schema.keys());
    registration.updated_at = context.now;
    flow::save(deps, registration).await.map_err(|error| in_form(store_error(&error).into()))?;
    // Kratos: an intermediate step answers 303 to HTML, unlike a form error of a registration.
    let redirect = crate::outcome::Redirect::see_other(crate::registration::page(deps, registration));
    Ok(Some(if context.is_json || !registration.is_browser() {
        Outcome::FormError { flow: Box::new(registration.clone()), status: 400, query: Vec::new() }.into()
    } else {
        Outcome::RedirectAll(redirect).into()
    }))
}

enum Step {
    Back,
    Credentials,
}

fn show_profile(deps: &Deps, registration: &mut Flow, schema: &IdentitySchema, traits: &Value) {
    registration.ui.nodes.clear();
    crate::registration::populate(deps, registration, schema);
    fill(registration, traits, Group::Default);
}

fn show_credentials(
    context: &Context,
    registration: &mut Flow,
    schema: &IdentitySchema,
    submission: &Submission,
    traits: &Value,
) -> Result<(), FlowError> {
    csrf::ensure(context, registration.is_browser(), submission.text("csrf_token"))?;
    let errors = schema.validate(traits);
    if !errors.is_empty() {
        return Err(FlowError::Traits(errors));
    }
    registration.ui.nodes.retain(|node| !(node.group == Group::Profile && node.value_str() == Some("profile")));
    registration.ui.nodes.push(Node::submit(Group::Profile, "screen", "previous", Message::back()));
    ui::hide_traits(registration);
    registration.ui.messages.push(Message::choose_credential());
    fill(registration, traits, Group::Default);
    Ok(())
}

/// Keeps what was typed in the form.
pub(crate) fn fill(flow: &mut Flow, traits: &Value, group: Group) {
    set_values(&mut flow.ui.nodes, traits, group);
}
