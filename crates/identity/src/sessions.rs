//! Who is signed in: issue, find, extend and end sessions.

use crate::seal::{self, Purpose, Sealer};
use bia_config::Config;
use bia_model::session::Upstream;
use bia_model::{Aal, AuthenticationMethod, Device, Identity, Session, Timestamp};
use bia_store::{Store, StoreError, TokenHash};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use uuid::Uuid;

/// The ways a request may show a session, in the order in which they count (contract §8.2).
#[derive(Clone, Debug, Default)]
pub struct SessionCredentials {
    /// `X-Session-Token`; when it is there, nothing else is tried.
    pub header: Option<String>,
    /// The session cookie's value.
    pub cookie: Option<String>,
    /// `Authorization: Bearer`.
    pub bearer: Option<String>,
}

/// A session that a request showed.
#[derive(Clone, Debug)]
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
        let Some(token) = self.token_of(shown, now) else {
            return Ok(None);
        };
        let found = self.store.find_session_by_token_hash(&TokenHash::of(&token)).await?;
        Ok(found.filter(|session| session.is_active(now)).map(|session| Authenticated { session, token }))
    }

    fn token_of(&self, shown: &SessionCredentials, now: Timestamp) -> Option<String> {
        if let Some(token) = shown.header.as_ref().filter(|token| !token.is_empty()) {
            return Some(token.clone());
        }
        shown.cookie.as_deref().and_then(|cookie| self.open_cookie(cookie, now)).or_else(|| shown.bearer.clone())
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

    /// The token inside a session cookie, unless it was changed or has expired.
    pub fn open_cookie(&self, value: &str, now: Timestamp) -> Option<String> {
        let body = self.cookie_body(value)?;
        (now.micros() < body.e).then_some(body.t)
    }

    /// Whether a cookie ends at another time than its session, which was extended since. Kratos: whoami then hands
    /// out a new one (`session/handler.go`).
    pub fn is_cookie_outdated(&self, value: &str, expires_at: Timestamp) -> bool {
        self.cookie_body(value).is_some_and(|body| body.e != expires_at.micros())
    }

    fn cookie_body(&self, value: &str) -> Option<CookieBody> {
        serde_json::from_slice(&self.sealer.open(Purpose::Cookie, value)?).ok()
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
