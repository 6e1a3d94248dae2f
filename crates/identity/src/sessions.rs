//! Who is signed in: issue, find, extend and end sessions.

use crate::seal::{self, Purpose, Sealer};
use bia_config::Config;
use bia_model::session::Upstream;
use bia_model::{Aal, AuthenticationMethod, Device, Identity, Session, Timestamp};
use bia_store::{RawSession, Store, StoreError, TokenHash};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use uuid::Uuid;

/// The ways a request may show a session, in the order in which they count (contract §8.2).
#[derive(Clone, Default)]
pub struct SessionCredentials {
    /// `X-Session-Token`; when it is there, nothing else is tried.
    pub header: Option<String>,
    /// The session cookie.
    pub cookie: Option<OpenedCookie>,
    /// `Authorization: Bearer`.
    pub bearer: Option<String>,
}

/// A session cookie that was sealed here, not changed since and had not expired.
#[derive(Clone)]
pub struct OpenedCookie {
    pub token: String,
    /// When the session was to end as the cookie was made.
    pub expires_at: Timestamp,
}

/// A session that a request showed.
#[derive(Clone)]
pub struct Authenticated {
    pub session: Session,
    pub token: String,
}

/// What the session cookie holds, sealed.
#[derive(Serialize, Deserialize)]
struct CookieBody {
    t: String,
    /// Expiry in microseconds; a cookie that outlived it isn't looked up.
    e: i64,
}

/// Facts about the client of an authentication.
#[derive(Clone, Debug, Default)]
pub struct Client {
    pub ip_address: Option<String>,
    pub user_agent: Option<String>,
    pub location: Option<String>,
}

impl SessionCredentials {
    /// The token that counts.
    fn token(&self) -> Option<String> {
        if let Some(token) = self.header.as_ref().filter(|token| !token.is_empty()) {
            return Some(token.clone());
        }
        self.cookie.as_ref().map(|cookie| cookie.token.clone()).or_else(|| self.bearer.clone())
    }
}

/// Issues and finds sessions.
#[derive(Clone)]
pub struct Sessions {
    store: Store,
    config: Arc<Config>,
    sealer: Arc<Sealer>,
}

impl Sessions {
    pub fn new(store: Store, config: Arc<Config>, sealer: Arc<Sealer>) -> Self {
        Self { store, config, sealer }
    }

    /// The active session that a request shows, with its identity. Unknown, expired, revoked and disabled are
    /// all the same: nothing.
    ///
    /// # Errors
    /// When the database can't answer.
    pub async fn authenticate(
        &self,
        shown: &SessionCredentials,
        now: Timestamp,
    ) -> Result<Option<Authenticated>, StoreError> {
        let Some(token) = shown.token() else {
            return Ok(None);
        };
        let found = self.store.find_session_by_token_hash(&TokenHash::of(&token)).await?;
        Ok(found.filter(|session| session.is_active(now)).map(|session| Authenticated { session, token }))
    }

    /// As [`Sessions::authenticate`] with the documents unparsed, for callers that keep what they made of them. Whether
    /// the identity is still active is in its document: the caller has to look.
    ///
    /// # Errors
    /// When the database can't answer.
    pub async fn find_raw(
        &self,
        shown: &SessionCredentials,
        now: Timestamp,
    ) -> Result<Option<(RawSession, String)>, StoreError> {
        let Some(token) = shown.token() else {
            return Ok(None);
        };
        let found = self.store.find_raw_session_by_token_hash(&TokenHash::of(&token)).await?;
        Ok(found.filter(|raw| raw.active && now < raw.expires_at).map(|raw| (raw, token)))
    }

    /// A new session for an identity, not stored yet, and its token.
    pub fn issue(
        &self,
        identity: &Identity,
        methods: Vec<AuthenticationMethod>,
        client: &Client,
        upstream: Option<Upstream>,
        now: Timestamp,
    ) -> (Session, String) {
        let aal = methods.iter().map(|method| method.aal).max().unwrap_or(Aal::Aal0);
        let session = Session {
            id: Uuid::new_v4(),
            identity_id: identity.id,
            active: true,
            issued_at: now,
            expires_at: now + self.config.session.lifespan,
            authenticated_at: now,
            aal,
            authentication_methods: methods,
            devices: vec![device(client)],
            upstream,
            identity: Some(identity.clone()),
        };
        (session, new_token())
    }

    /// The session cookie's value.
    pub fn seal_cookie(&self, token: &str, expires_at: Timestamp) -> String {
        let body = CookieBody { t: token.to_owned(), e: expires_at.micros() };
        self.sealer.seal(Purpose::Cookie, &serde_json::to_vec(&body).unwrap_or_default())
    }

    /// What a session cookie holds, unless it was changed or has expired.
    pub fn open_cookie(&self, value: &str, now: Timestamp) -> Option<OpenedCookie> {
        let body: CookieBody = serde_json::from_slice(&self.sealer.open(Purpose::Cookie, value)?).ok()?;
        let expires_at = Timestamp::from_micros(body.e);
        (now < expires_at).then_some(OpenedCookie { token: body.t, expires_at })
    }

    /// Whether sensitive changes are allowed without signing in again (contract §3.9).
    pub fn is_privileged(&self, session: &Session, now: Timestamp) -> bool {
        let max_age = self.config.selfservice.flows.settings.privileged_session_max_age;
        max_age.is_zero() || now < session.authenticated_at + max_age
    }

    /// Moves the expiry to a full lifespan from now, unless it is too early for that.
    /// Answers whether it moved.
    pub fn extend(&self, session: &mut Session, now: Timestamp) -> bool {
        let earliest = session.expires_at - self.config.session.earliest_possible_extend();
        if now <= earliest {
            return false;
        }
        session.expires_at = now + self.config.session.lifespan;
        true
    }
}

/// A session token: `ory_st_` and 32 letters and digits.
pub fn new_token() -> String {
    format!("ory_st_{}", seal::random_alphanumeric(32))
}

/// The device entry of one authentication.
pub fn device(client: &Client) -> Device {
    Device {
        id: Uuid::new_v4(),
        ip_address: client.ip_address.clone(),
        user_agent: client.user_agent.clone(),
        location: Some(client.location.clone().unwrap_or_default()),
    }
}
