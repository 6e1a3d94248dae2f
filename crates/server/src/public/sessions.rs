//! `/sessions`: whoami, and one's other sessions.

use crate::answer;
use crate::call::Call;
use crate::error;
use crate::paging::{self, Page};
use crate::respond::respond_json;
use crate::route::Answer;
use axum::response::Response;
use bia_model::{ApiError, Session};
use bia_selfservice::{step_up, token_exchange};
use bia_store::{Page as StorePage, SessionFilter};
use bia_telemetry::audit;
use serde_json::{Value, json};
use uuid::Uuid;

/// `GET /sessions`: every active session but the current one, newest first.
pub(crate) async fn list_my_sessions(call: Call) -> Answer {
    let own = own_session(&call).await?;
    require_aal(&call, &own)?;
    let filter =
        SessionFilter { identity_id: Some(own.identity_id), active: Some((true, call.now)), except: Some(own.id) };
    numbered_sessions(&call, &filter, |identity| identity.to_public(call.public_url())).await
}

/// A numbered page of sessions with devices and, as Kratos lists them, identities without addresses and URL.
pub(crate) async fn numbered_sessions(
    call: &Call,
    filter: &SessionFilter,
    render: impl Fn(&bia_model::Identity) -> Value,
) -> Answer {
    let store = &call.deps().store;
    let page = Page::mixed(&call.query);
    let total = store.count_sessions(filter).await.map_err(|error| error::store(&error))?;
    // Kratos: pages of sessions count from one, and page zero is the first page as well.
    let offset = u64::try_from((page.number - 1).max(0).saturating_mul(page.size)).unwrap_or(0);
    let part = StorePage::Offset { offset, size: u32::try_from(page.size).unwrap_or(1) };
    let listed = store.list_sessions(filter, &part, true).await.map_err(|error| error::store(&error))?;
    let rendered: Vec<Value> = listed
        .items
        .iter()
        .map(|session| {
            let identity = session.identity.as_ref().map_or(Value::Null, |identity| {
                let mut shown = without_addresses(render(identity));
                shown["schema_url"] = json!("");
                shown
            });
            session.to_json(call.now, identity, true)
        })
        .collect();
    let mut response = answer::json(200, &rendered);
    let total = i64::try_from(total).unwrap_or(i64::MAX);
    paging::numbered_links(&mut response, &call.path, &call.query, page, total, true);
    Ok(response)
}

/// Kratos: lists of sessions load identities without their addresses.
pub(crate) fn without_addresses(mut identity: Value) -> Value {
    if let Some(map) = identity.as_object_mut() {
        map.remove("verifiable_addresses");
        map.remove("recovery_addresses");
    }
    identity
}

/// `DELETE /sessions`
pub(crate) async fn disable_my_other_sessions(call: Call) -> Answer {
    let own = own_session(&call).await?;
    let store = &call.deps().store;
    // Kratos: the count includes sessions that had ended before.
    let others = SessionFilter { identity_id: Some(own.identity_id), active: None, except: Some(own.id) };
    let count = store.count_sessions(&others).await.map_err(|error| error::store(&error))?;
    let ended = store.deactivate_other_sessions(own.identity_id, Some(own.id)).await;
    let ended = ended.map_err(|error| error::store(&error))?;
    audit::sessions_ended("person", ended).actor("person").identity(own.identity_id).record();
    Ok(answer::json(200, &json!({ "count": count })))
}

/// `DELETE /sessions/{id}`
pub(crate) async fn disable_my_session(call: Call) -> Answer {
    let own = own_session(&call).await?;
    let asked = call.param("id");
    let id = Uuid::parse_str(asked).map_err(|_| error::not_a_uuid(asked))?;
    if id == own.id {
        return Err(ApiError::new(400).with_message("cannot revoke current session"));
    }
    // Somebody else's session is left alone without a word, so that ids can't be probed.
    let store = &call.deps().store;
    let ended = store.deactivate_session_of(own.identity_id, id).await.map_err(|error| error::store(&error))?;
    let ended = audit::sessions_ended("person", u64::from(ended)).actor("person");
    ended.identity(own.identity_id).session(id).record();
    Ok(answer::no_content_json())
}

/// `GET /sessions/token-exchange`
pub(crate) async fn exchange_session_token(call: Call) -> Answer {
    let context = call.anonymous_context();
    let reply = token_exchange::exchange(call.deps(), &context, &call.init_query()).await;
    Ok(respond_json(&call, &context, reply).await)
}

async fn own_session(call: &Call) -> Result<Session, ApiError> {
    let found = call.authenticate().await?;
    found.map(|found| found.session).ok_or_else(|| ApiError::unauthorized("No valid session cookie found."))
}

pub(crate) fn refused(call: &Call, reason: &str) -> Response {
    let mut error = ApiError::unauthorized(reason);
    error.request.clone_from(&call.request_id);
    answer::error(&error)
}

/// `session.whoami.required_aal`.
pub(crate) fn require_aal(call: &Call, session: &Session) -> Result<(), ApiError> {
    step_up::check_whoami(call.deps(), session)
}
