//! A submission that waits until its person has signed in again (contract §3.9).

use crate::context::Context;
use crate::deps::{Deps, with_query};
use crate::error::FlowError;
use crate::oidc::continuity;
use crate::outcome::{Effects, Outcome, Redirect, Reply};
use crate::submit::Submission;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bia_identity::seal;
use bia_model::{ApiError, Flow, error::id};
use bia_store::Continuity;
use std::time::Duration;

/// How long a submission waits.
const PARKED: Duration = Duration::from_secs(15 * 60);

/// What settings read of a submission. Nothing else waits: a row must not hold whatever somebody likes to post.
const READ: [&str; 9] = [
    "method",
    "link",
    "unlink",
    "csrf_token",
    "traits",
    "transient_payload",
    "upstream_parameters",
    "id_token",
    "id_token_nonce",
];

/// The session is too old for this change: sign in again first, then it is done (contract §3.9).
pub(crate) async fn reauthenticate(deps: &Deps, context: &Context, settings: &Flow) -> Reply {
    let submit = deps.public(&format!("/self-service/settings?flow={}", settings.id));
    let to = with_query(&deps.public("/self-service/login/browser"), &[("refresh", "true"), ("return_to", &submit)]);
    let error = ApiError::forbidden(
        "The login session is too old and thus not allowed to update these fields. Please re-authenticate.",
    )
    .with_id(id::SESSION_REFRESH_REQUIRED)
    .with_sibling("redirect_browser_to", to.as_str());
    if !settings.is_browser() || context.is_json {
        return Outcome::RefusedJson(error).into();
    }
    Outcome::RedirectAll(Redirect::see_other(to)).into()
}

/// Keeps a submission until its person has signed in again; only an HTML client comes back by itself.
pub(super) async fn park(
    deps: &Deps,
    context: &Context,
    settings: &Flow,
    submission: &Submission,
) -> Result<Reply, FlowError> {
    let reply = reauthenticate(deps, context, settings).await;
    if !settings.is_browser() || context.is_json {
        return Ok(reply);
    }
    let browser_id = context.browser_id.clone().unwrap_or_else(continuity::new_browser_id);
    let row = Continuity {
        id: parked_id(settings),
        binding: continuity::binding(settings, &browser_id),
        name: "ory_kratos_settings".to_owned(),
        identity_id: settings.identity_id,
        payload: submission.kept(&READ)?,
        expires_at: context.now + PARKED,
    };
    deps.store.put_continuity(&row).await?;
    Ok(reply.with_effects(Effects { browser_id: Some(browser_id), ..Effects::default() }))
}

/// The submission that waited, when its person comes back to the same flow.
pub(super) async fn unpark(deps: &Deps, context: &Context, settings: &Flow) -> Result<Option<Submission>, FlowError> {
    let Some(browser_id) = context.browser_id.as_ref().filter(|_| settings.is_browser() && !context.is_json) else {
        return Ok(None);
    };
    let binding = continuity::binding(settings, browser_id);
    let taken = deps.store.take_continuity(&parked_id(settings), &binding).await?;
    let taken = taken.filter(|row| context.now < row.expires_at && row.identity_id == settings.identity_id);
    Ok(taken.and_then(|row| serde_json::from_str(&row.payload).ok()).map(Submission::from_value))
}

fn parked_id(settings: &Flow) -> String {
    URL_SAFE_NO_PAD.encode(seal::hash(&format!("settings:{}", settings.id)))
}
