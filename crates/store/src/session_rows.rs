//! How a session is laid out in columns and document.

use crate::error::{Result, StoreError};
use crate::identities::identity_from;
use crate::query::Row;
use bia_model::session::Upstream;
use bia_model::{Aal, AuthenticationMethod, Device, Session, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The columns that [`session_of`] reads, in its order.
macro_rules! session_columns {
    () => {
        "s.id, s.identity_id, s.active, s.issued_at, s.expires_at, s.authenticated_at, s.aal, \
         s.checked_at, s.body"
    };
}
pub(crate) use session_columns;

/// The column after those, when the statement joins the identity's body.
const IDENTITY_BODY: usize = 9;

/// What is never searched for.
#[derive(Serialize)]
struct BodyRef<'a> {
    authentication_methods: &'a [AuthenticationMethod],
    devices: &'a [Device],
    upstream: Option<&'a Upstream>,
}

#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    authentication_methods: Vec<AuthenticationMethod>,
    #[serde(default)]
    devices: Vec<Device>,
    #[serde(default)]
    upstream: Option<Upstream>,
}

/// A session whose documents aren't parsed yet, for callers that keep what they made of them. Two that are equal, or hash
/// alike under a secret key, say the same of session and identity.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RawSession {
    pub id: Uuid,
    pub identity_id: Uuid,
    pub active: bool,
    pub issued_at: Timestamp,
    pub expires_at: Timestamp,
    pub authenticated_at: Timestamp,
    pub aal: Aal,
    checked_at: Option<Timestamp>,
    /// JSON text; changes whenever methods, devices or the provider's side change.
    pub body: String,
    /// JSON text of the identity.
    pub identity_body: String,
}

impl RawSession {
    /// The session with its identity.
    pub fn parse(&self) -> Result<Session> {
        let mut session = parse_body(&self.body, self.checked_at, self.authenticated_at)?;
        session.id = self.id;
        session.identity_id = self.identity_id;
        session.active = self.active;
        session.issued_at = self.issued_at;
        session.expires_at = self.expires_at;
        session.aal = self.aal;
        session.identity = Some(identity_from(&self.identity_body)?);
        Ok(session)
    }
}

/// Documents hold sealed tokens and personal data.
impl std::fmt::Debug for RawSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RawSession")
            .field("id", &self.id)
            .field("identity_id", &self.identity_id)
            .field("active", &self.active)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

pub(crate) fn raw_session_of(row: &Row) -> Result<RawSession> {
    Ok(RawSession {
        id: row.uuid(0)?,
        identity_id: row.uuid(1)?,
        active: row.bool(2)?,
        issued_at: row.time(3)?,
        expires_at: row.time(4)?,
        authenticated_at: row.time(5)?,
        aal: aal_of(row.text(6)?)?,
        checked_at: row.optional_time(7)?,
        body: row.text(8)?.to_owned(),
        identity_body: row.text(IDENTITY_BODY)?.to_owned(),
    })
}

/// Reads a session; `with_identity` when the statement has the identity's body as its last column.
pub(crate) fn session_of(row: &Row, with_identity: bool) -> Result<Session> {
    let mut session = parse_body(row.text(8)?, row.optional_time(7)?, row.time(5)?)?;
    session.id = row.uuid(0)?;
    session.identity_id = row.uuid(1)?;
    session.active = row.bool(2)?;
    session.issued_at = row.time(3)?;
    session.expires_at = row.time(4)?;
    session.aal = aal_of(row.text(6)?)?;
    if with_identity {
        session.identity = Some(identity_from(row.text(IDENTITY_BODY)?)?);
    }
    Ok(session)
}

fn parse_body(body: &str, checked_at: Option<Timestamp>, authenticated_at: Timestamp) -> Result<Session> {
    let mut body: Body = serde_json::from_str(body).map_err(|error| StoreError::document("session", &error))?;
    // The column is moved on by itself when a session is picked for re-check.
    if let (Some(upstream), Some(at)) = (&mut body.upstream, checked_at)
        && at > authenticated_at
    {
        upstream.checked_at = Some(at);
    }
    Ok(Session {
        id: Uuid::nil(),
        identity_id: Uuid::nil(),
        active: false,
        issued_at: authenticated_at,
        expires_at: authenticated_at,
        authenticated_at,
        aal: Aal::Aal0,
        authentication_methods: body.authentication_methods,
        devices: body.devices,
        upstream: body.upstream,
        identity: None,
    })
}

pub(crate) fn session_body(session: &Session) -> Result<String> {
    serde_json::to_string(&BodyRef {
        authentication_methods: &session.authentication_methods,
        devices: &session.devices,
        upstream: session.upstream.as_ref(),
    })
    .map_err(|error| StoreError::document("session", &error))
}

/// When the provider was last asked; only for sessions that can be re-checked, which need a refresh token.
pub(crate) fn checked_at_of(session: &Session) -> Option<Timestamp> {
    let upstream = session.upstream.as_ref()?;
    upstream.refresh_token.as_ref()?;
    Some(upstream.checked_at.unwrap_or(session.authenticated_at))
}

pub(crate) const fn aal_text(aal: Aal) -> &'static str {
    match aal {
        Aal::Aal0 => "aal0",
        Aal::Aal1 => "aal1",
        Aal::Aal2 => "aal2",
    }
}

fn aal_of(text: &str) -> Result<Aal> {
    match text {
        "aal0" => Ok(Aal::Aal0),
        "aal1" => Ok(Aal::Aal1),
        "aal2" => Ok(Aal::Aal2),
        _ => Err(StoreError::Damaged { what: "session", reason: "unknown assurance level".to_owned() }),
    }
}
