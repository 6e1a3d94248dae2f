//! Ending, removing and extending sessions on behalf of an operator.

use super::{Admin, store_error};
use crate::sessions::Sessions;
use bia_model::{ApiError, Session};
use bia_store::SessionSelection;
use bia_telemetry::audit::{self, Event};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Kratos: the most ids of one call, and how many sessions one call for everybody touches.
const IDS_MAX: usize = 500;
const WILDCARD_BATCH: u32 = 5000;

/// `POST /admin/sessions`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ManageSessionsBody {
    pub action: String,
    pub identities: Vec<String>,
    pub sessions: Vec<String>,
}

/// How many were touched, and whether the call should be repeated.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Managed {
    pub processed: u64,
    pub more: bool,
}

/// Ends or removes sessions by their ids, by identity, or everybody's.
///
/// # Errors
/// 400 for an unknown action, for lists that aren't exactly one, and for ids that aren't UUIDs.
pub async fn manage(admin: Admin<'_>, body: &ManageSessionsBody) -> Result<Managed, ApiError> {
    let delete = match body.action.as_str() {
        "disable" => false,
        "delete" => true,
        _ => {
            return Err(ApiError::bad_request("The 'action' field must be one of 'disable' or 'delete'."));
        }
    };
    let selection = selection(body)?;
    let everybody = selection == SessionSelection::AllIdentities;
    let processed = if delete {
        admin.store.delete_sessions(&selection, WILDCARD_BATCH).await
    } else {
        admin.store.disable_sessions(&selection, WILDCARD_BATCH).await
    };
    let processed = processed.map_err(|error| store_error(&error))?;
    let ended = audit::sessions_ended("admin", processed).actor("admin").method(&body.action);
    // One person's by name; of several the request's own line in the log has to do.
    match (body.identities.as_slice(), body.sessions.as_slice()) {
        ([one], _) => ended.identity(one).record(),
        (_, [one]) => ended.session(one).record(),
        _ => ended.record(),
    }
    Ok(Managed { processed, more: everybody && processed == u64::from(WILDCARD_BATCH) })
}

fn selection(body: &ManageSessionsBody) -> Result<SessionSelection, ApiError> {
    match (body.identities.as_slice(), body.sessions.as_slice()) {
        ([], []) => Err(exactly_one()),
        ([all], []) if all == "*" => Ok(SessionSelection::AllIdentities),
        (list, []) => ids("identities", list).map(SessionSelection::Identities),
        ([], list) => ids("sessions", list).map(SessionSelection::Sessions),
        _ => Err(exactly_one()),
    }
}

fn exactly_one() -> ApiError {
    ApiError::bad_request("Exactly one of 'identities' or 'sessions' must be a non-empty array.")
}

fn ids(field: &str, list: &[String]) -> Result<Vec<Uuid>, ApiError> {
    let refused = |why: String| ApiError::bad_request(format!("Could not parse '{field}' field: {why}"));
    if list.len() > IDS_MAX {
        return Err(refused(format!("at most {IDS_MAX} IDs may be provided per call")));
    }
    let parse = |text: &String| match text.as_str() {
        "*" => Err(refused("the wildcard '*' is not accepted here".to_owned())),
        text => Uuid::parse_str(text).map_err(|_| refused(format!("could not parse {text:?} as UUID"))),
    };
    list.iter().map(parse).collect()
}

/// Moves a session's end to a full lifespan from now, if it isn't too early for that.
///
/// # Errors
/// 404 when there is no such session.
pub async fn extend(admin: Admin<'_>, sessions: &Sessions, id: Uuid) -> Result<Session, ApiError> {
    let found = admin.store.find_session(id).await.map_err(|error| store_error(&error))?;
    let mut session = found.ok_or_else(ApiError::no_such_row)?;
    if sessions.extend(&mut session, admin.now) {
        admin.store.extend_session(id, session.expires_at).await.map_err(|error| store_error(&error))?;
        let extended = audit::event(Event::SessionExtended).actor("admin");
        extended.identity(session.identity_id).session(id).record();
    }
    Ok(session)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(identities: &[&str], sessions: &[&str]) -> Result<SessionSelection, String> {
        let owned = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        let body = ManageSessionsBody {
            action: "disable".to_owned(),
            identities: owned(identities),
            sessions: owned(sessions),
        };
        selection(&body).map_err(|error| error.reason.unwrap_or_default())
    }

    #[test]
    fn exactly_one_list_of_ids_is_taken() {
        let id = Uuid::from_u128(7);
        let text = id.to_string();
        assert_eq!(chosen(&["*"], &[]), Ok(SessionSelection::AllIdentities));
        assert_eq!(chosen(&[&text], &[]), Ok(SessionSelection::Identities(vec![id])));
        assert_eq!(chosen(&[], &[&text]), Ok(SessionSelection::Sessions(vec![id])));
        for (identities, sessions) in
            [(&[][..], &[][..]), (&["*"][..], &["*"][..]), (&[][..], &["*"][..]), (&["*", "*"][..], &[][..])]
        {
            assert!(chosen(identities, sessions).is_err(), "{identities:?} {sessions:?}");
        }
        assert!(chosen(&[], &["nonsense"]).unwrap_err().contains("nonsense"));
    }
}
