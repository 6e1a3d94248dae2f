//! `/admin/sessions`, and the sessions of one identity.

use crate::answer;
use crate::call::Call;
use crate::error;
use crate::paging::{self, Paging};
use crate::public::sessions::{numbered_sessions, without_addresses};
use crate::query::Query;
use crate::route::Answer;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bia_identity::admin;
use bia_model::{ApiError, Identity, Session};
use bia_store::{Page, SessionCursor, SessionFilter};
use bia_telemetry::audit;
use serde_json::{Value, json};
use uuid::Uuid;

/// `GET /admin/sessions`
pub(crate) async fn list_sessions(call: Call) -> Answer {
    let filter = SessionFilter { active: active(&call)?, ..SessionFilter::default() };
    let (size, token) = Paging::of_sessions(&call.query)?;
    let expand = Expand::read(&call.query)?;
    let cursor = token.as_deref().map(decode_cursor).transpose()?;
    let page = Page::After { cursor, size: u32::try_from(size).unwrap_or(1) };
    let listed =
        call.deps().store.list_sessions(&filter, &page, expand.identity).await.map_err(|error| error::store(&error))?;
    let render = |session: &Session| {
        let identity = expanded(&call, session, expand.identity, without_addresses);
        session.to_json(call.now, identity, expand.devices)
    };
    let rendered: Vec<Value> = listed.items.iter().map(render).collect();
    let mut response = answer::json(200, &rendered);
    let next =
        listed.items.last().filter(|_| listed.has_more).map(|session| encode_cursor(&SessionCursor::after(session)));
    // The first page has a token, too, which means that nothing came before.
    paging::keyset_links(&mut response, &call.path, &call.query, size, FIRST, next.as_deref());
    Ok(response)
}

/// `GET /admin/sessions/{id}`
pub(crate) async fn get_session(call: Call) -> Answer {
    let id = session_id(&call)?;
    let expand = Expand::read(&call.query)?;
    let found = call.deps().store.find_session(id).await.map_err(|error| error::store(&error))?;
    let mut session = found.ok_or_else(ApiError::no_such_row)?;
    if !expand.devices {
        // Kratos: one session without its devices has an empty list, sessions in a list have null.
        session.devices.clear();
    }
    let identity = expanded(&call, &session, expand.identity, |identity| identity);
    Ok(answer::json(200, &session.to_json(call.now, identity, true)))
}

/// `DELETE /admin/sessions/{id}`: ends it, the row stays.
pub(crate) async fn disable_session(call: Call) -> Answer {
    let id = session_id(&call)?;
    let ended = call.deps().store.deactivate_session(id).await.map_err(|error| error::store(&error))?;
    audit::sessions_ended("admin", u64::from(ended)).actor("admin").session(id).record();
    Ok(answer::no_content_json())
}

/// `PATCH /admin/sessions/{id}/extend`
pub(crate) async fn extend_session(call: Call) -> Answer {
    let id = session_id(&call)?;
    let deps = call.deps();
    let mut session = admin::extend(call.admin(), &deps.sessions, id).await?;
    if deps.config.feature_flags.faster_session_extend {
        return Ok(answer::no_content());
    }
    session.devices.clear();
    // Kratos: the one admin answer about a session that shows the identity as the public sees it.
    let identity = session.identity.as_ref().map_or(Value::Null, |identity| identity.to_public(call.public_url()));
    Ok(answer::json(200, &session.to_json(call.now, identity, true)))
}

/// `POST /admin/sessions`
pub(crate) async fn manage_sessions(call: Call) -> Answer {
    let body = admin::decode_strict(&call.body).map_err(|error| error.with_reason("Invalid JSON body."))?;
    Ok(answer::json(200, &admin::manage(call.admin(), &body).await?))
}

/// `GET /admin/identities/{id}/sessions`
pub(crate) async fn list_identity_sessions(call: Call) -> Answer {
    let filter = SessionFilter { identity_id: Some(session_id(&call)?), active: active(&call)?, except: None };
    numbered_sessions(&call, &filter, |identity| admin_identity(&call, identity)).await
}

/// `DELETE /admin/identities/{id}/sessions`: removes them.
pub(crate) async fn delete_identity_sessions(call: Call) -> Answer {
    let id = session_id(&call)?;
    match call.deps().store.delete_sessions_of(id).await.map_err(|error| error::store(&error))? {
        0 => Err(ApiError::no_such_row()),
        removed => {
            audit::sessions_ended("admin", removed).actor("admin").identity(id).record();
            Ok(answer::no_content())
        }
    }
}

fn session_id(call: &Call) -> Result<Uuid, ApiError> {
    call.id().ok_or_else(|| error::not_a_uuid(call.param("id")))
}

fn active(call: &Call) -> Result<Option<(bool, bia_model::Timestamp)>, ApiError> {
    match call.query.get("active").unwrap_or_default() {
        "" => Ok(None),
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(Some((true, call.now))),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(Some((false, call.now))),
        _ => Err(ApiError::new(400).with_message("could not parse parameter active")),
    }
}

#[derive(Default)]
struct Expand {
    identity: bool,
    devices: bool,
}

impl Expand {
    fn read(query: &Query) -> Result<Self, ApiError> {
        let mut expand = Self::default();
        for value in query.all("expand") {
            match value.to_ascii_lowercase().as_str() {
                "identity" => expand.identity = true,
                "devices" => expand.devices = true,
                _ => return Err(ApiError::bad_request(format!("Could not parse expand option: {value}"))),
            }
        }
        Ok(expand)
    }
}

fn expanded(call: &Call, session: &Session, wanted: bool, shape: impl Fn(Value) -> Value) -> Value {
    match &session.identity {
        Some(identity) if wanted => shape(admin_identity(call, identity)),
        _ => Value::Null,
    }
}

fn admin_identity(call: &Call, identity: &Identity) -> Value {
    let mut shown = identity.to_admin(call.public_url(), None);
    if identity.metadata_admin.is_none() {
        shown["metadata_admin"] = json!(null);
    }
    shown
}

/// Names the first page in a `Link`.
const FIRST: &str = "first";

/// Opaque to clients, as Kratos' tokens are.
fn encode_cursor(cursor: &SessionCursor) -> String {
    URL_SAFE_NO_PAD.encode(cursor.to_string())
}

fn decode_cursor(token: &str) -> Result<SessionCursor, ApiError> {
    // Kratos: the newest possible moment stands for the first page.
    if token == FIRST {
        return Ok(SessionCursor { issued_at: bia_model::Timestamp::from_micros(i64::MAX), id: Uuid::max() });
    }
    let decoded = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    decoded
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| ApiError::new(400).with_message("could not parse parameter page_size"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_survive_and_forged_ones_are_refused() {
        let cursor = SessionCursor { issued_at: bia_model::Timestamp::from_secs(5), id: Uuid::from_u128(9) };
        assert_eq!(decode_cursor(&encode_cursor(&cursor)).unwrap(), cursor);
        assert!(decode_cursor("!!!").is_err() && decode_cursor("AAAA").is_err());
        assert!(!encode_cursor(&cursor).contains(&cursor.id.to_string()));
    }
}
