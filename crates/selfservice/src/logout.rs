//! Logout: a link for browsers, a token for native apps (contract §8.6).

use crate::context::{Context, InitQuery};
use crate::deps::{Deps, with_query};
use crate::error::store_error;
use crate::outcome::{Effects, Outcome, Reply};
use crate::return_to;
use bia_model::{ApiError, Session, error::id};
use bia_provider::SignOutRequest;
use bia_store::TokenHash;
use bia_telemetry::audit::{self, Event};
use serde_json::json;

/// `createBrowserLogoutFlow`.
pub async fn create_url(deps: &Deps, context: &Context, query: &InitQuery) -> Reply {
    let Some(session) = &context.session else {
        return no_session().into();
    };
    let wanted = query.non_empty("return_to");
    if let Err(error) = return_to::resolve(wanted, deps.default_return_url(), &deps.allowed_return_urls) {
        return error.into();
    }
    let token = deps.sealer.logout_token(session.id);
    let mut pairs = vec![("token", token.as_str())];
    if let Some(wanted) = wanted {
        pairs.insert(0, ("return_to", wanted));
    }
    let url = with_query(&deps.public("/self-service/logout"), &pairs);
    Outcome::Json { status: 200, body: json!({ "logout_url": url, "logout_token": token }) }.into()
}

/// `updateLogoutFlow`.
pub async fn perform(deps: &Deps, context: &Context, query: &InitQuery) -> Reply {
    match try_perform(deps, context, query).await {
        Ok(reply) => reply,
        Err(error) => error.into(),
    }
}

async fn try_perform(deps: &Deps, context: &Context, query: &InitQuery) -> Result<Reply, ApiError> {
    let after = &deps.config.selfservice.flows.logout.after;
    let default = after.default_browser_return_url.as_deref().unwrap_or(deps.default_return_url());
    let wanted = query.non_empty("return_to");
    let Some(token) = query.non_empty("token") else {
        return Err(ApiError::bad_request("Please include a token in the URL query."));
    };
    let Some(session) = &context.session else {
        return Err(no_session());
    };
    if !deps.sealer.is_logout_token(token, session.id) {
        return Err(ApiError::forbidden(
            "Unable to log out because the logout token in the URL query does not match the session cookie.",
        ));
    }
    let ended = deps.store.deactivate_session(session.id).await.map_err(|error| store_error(&error))?;
    record(session, ended);
    let effects = Effects {
        end_session: true,
        rotate_csrf: true,
        clear_site_data: deps.config.selfservice.flows.logout.clear_browser_data,
        ..Effects::default()
    };
    // Kratos: the session ends even when the way back isn't allowed.
    let to = match return_to::resolve(wanted, default, &deps.allowed_return_urls) {
        Ok(to) => to,
        Err(error) => return Ok(Reply::from(error).with_effects(effects)),
    };
    let to = upstream(deps, context, session, &to).await.unwrap_or(to);
    Ok(Reply::from(Outcome::Done { return_to: Some(to) }).with_effects(effects))
}

/// With `logout.upstream`, where the browser signs out at the provider, too, before it returns.
async fn upstream(deps: &Deps, context: &Context, session: &Session, return_to: &str) -> Option<String> {
    let upstream = session.upstream.as_ref()?;
    let config = deps.config.provider(&upstream.provider).filter(|provider| provider.logout.upstream)?;
    let provider = deps.providers.get(&config.id)?;
    let request =
        SignOutRequest { logout_hint: upstream.login_hint.as_deref(), post_logout_redirect_uri: Some(return_to) };
    provider.sign_out_url(request, context.now).await.map(String::from)
}

/// The body of a native logout.
#[derive(serde::Deserialize)]
struct NativeLogout {
    #[serde(default)]
    session_token: String,
}

/// `performNativeLogout`.
pub async fn perform_native(deps: &Deps, _context: &Context, body: &[u8]) -> Reply {
    let body: NativeLogout = match bia_identity::admin::decode(body) {
        Ok(body) => body,
        Err(error) => return Outcome::RefusedJson(error).into(),
    };
    let unknown = || {
        ApiError::forbidden("The provided Ory Session Token could not be found, is invalid, or otherwise malformed.")
    };
    match end_by_token(deps, &body.session_token).await {
        Ok(true) => Outcome::Done { return_to: None }.into(),
        Ok(false) => Outcome::RefusedJson(unknown()).into(),
        Err(error) => Outcome::RefusedJson(error).into(),
    }
}

async fn end_by_token(deps: &Deps, token: &str) -> Result<bool, ApiError> {
    let found =
        deps.store.find_session_by_token_hash(&TokenHash::of(token)).await.map_err(|error| store_error(&error))?;
    match found {
        Some(session) => {
            let ended = deps.store.deactivate_session(session.id).await.map_err(|error| store_error(&error))?;
            record(&session, ended);
            Ok(true)
        }
        None => Ok(false),
    }
}

/// Somebody signed out; a second time is no news.
fn record(session: &Session, ended: bool) {
    if ended {
        metrics::counter!("bia_sessions_revoked_total", "reason" => "logout").increment(1);
        audit::event(Event::Logout).actor("person").identity(session.identity_id).session(session.id).record();
    }
}

/// 401 `session_inactive`.
pub(crate) fn no_session() -> ApiError {
    ApiError::unauthorized("No active session was found in this request.")
        .with_id(id::SESSION_INACTIVE)
        .with_message("request does not have a valid authentication session")
}
