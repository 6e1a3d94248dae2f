//! What waits in the database while the browser is at the provider, bound to the browser that left.

use crate::context::Context;
use crate::deps::Deps;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bia_identity::seal;
use bia_model::{ApiError, Flow, FlowKind, Timestamp};
use bia_store::Continuity;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::time::Duration;

/// How long somebody may take at the provider (contract §3.2).
const LIFESPAN: Duration = Duration::from_secs(30 * 60);

/// The name Kratos gives this container.
const NAME: &str = "ory_kratos_oidc_auth_code_session";

/// What is needed to finish: everything that must not travel through the browser.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Payload {
    pub(crate) redirect_uri: String,
    #[serde(default)]
    pub(crate) pkce_verifier: Option<String>,
    #[serde(default)]
    pub(crate) nonce: Option<String>,
    #[serde(default)]
    pub(crate) traits: Value,
    #[serde(default)]
    pub(crate) transient_payload: Option<Value>,
    #[serde(default)]
    pub(crate) identity_schema: Option<String>,
    /// The authentication context that this sign-in was asked to satisfy.
    #[serde(default)]
    pub(crate) step_up: Option<String>,
    /// This sign-in was restarted because Graph challenged the one before; it isn't restarted again.
    #[serde(default)]
    pub(crate) challenged: bool,
}

/// The row that waits for this state.
pub(crate) fn row(state: &str, binding: &str, flow: &Flow, payload: &Payload, now: Timestamp) -> Continuity {
    Continuity {
        id: id_of(state),
        binding: binding.to_owned(),
        name: NAME.to_owned(),
        identity_id: flow.identity_id,
        payload: serde_json::to_string(payload).unwrap_or_default(),
        expires_at: now + LIFESPAN,
    }
}

/// The row's key: a hash, so that the database alone holds no usable state.
pub(crate) fn id_of(state: &str) -> String {
    URL_SAFE_NO_PAD.encode(seal::hash(state))
}

/// Whom a container belongs to: the browser, or for native login and registration the flow itself.
pub(crate) fn binding(flow: &Flow, browser_id: &str) -> String {
    if is_bound_to_flow(flow) { format!("flow:{}", flow.id) } else { fingerprint(browser_id) }
}

/// What stands for a browser in the database.
pub(crate) fn fingerprint(browser_id: &str) -> String {
    URL_SAFE_NO_PAD.encode(seal::hash(browser_id))
}

/// Native apps have no cookies here: their flow is the binding, and the exchange code protects it.
pub(crate) fn is_bound_to_flow(flow: &Flow) -> bool {
    !flow.is_browser() && flow.kind != FlowKind::Settings
}

/// A secret for the continuity cookie; one browser keeps one, so that its tabs don't disturb each other.
pub(crate) fn new_browser_id() -> String {
    seal::random_alphanumeric(32)
}

/// Takes the container of a state, once.
///
/// # Errors
/// 400 when there is none (any more) or it belongs to another browser. The second answer keeps the container,
/// so that a stranger who replays somebody's state can't use it up.
pub(crate) async fn take(deps: &Deps, context: &Context, flow: &Flow, state: &str) -> Result<Payload, ApiError> {
    let own = if is_bound_to_flow(flow) {
        binding(flow, "")
    } else {
        match &context.browser_id {
            Some(browser_id) => binding(flow, browser_id),
            None => return Err(not_resumable()),
        }
    };
    let id = id_of(state);
    let store_error = |error| crate::error::store_error(&error);
    if let Some(taken) = deps.store.take_continuity(&id, &own).await.map_err(store_error)? {
        return match serde_json::from_str(&taken.payload) {
            Ok(payload) if context.now < taken.expires_at => Ok(payload),
            _ => Err(not_resumable()),
        };
    }
    match deps.store.find_continuity(&id).await.map_err(store_error)? {
        None => Err(not_resumable()),
        Some(_) => Err(ApiError::bad_request(
            "Unable to complete OpenID Connect flow because the query state parameter does not match the state parameter from the session cookie.",
        )),
    }
}

fn not_resumable() -> ApiError {
    ApiError::new(400)
        .with_message("no resumable session found")
        .with_reason("The browser does not contain the necessary cookie to resume the session. This is a security violation and was blocked. Please clear your browser's cookies and cache and try again!")
}
