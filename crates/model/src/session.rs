//! Sessions: somebody is signed in (Kratos: `session/session.go`, contract §8).

use crate::flow::Aal;
use crate::identity::Identity;
use crate::timestamp::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// One way in which the person proved who they are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuthenticationMethod {
    /// Always `oidc` here.
    pub method: String,
    pub aal: Aal,
    pub completed_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream_acr: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub upstream_amr: Vec<String>,
}

/// The device of one authentication.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Device {
    pub id: Uuid,
    #[serde(default)]
    pub ip_address: Option<String>,
    #[serde(default)]
    pub user_agent: Option<String>,
    #[serde(default)]
    pub location: Option<String>,
}

/// What is remembered of the provider's side of a session, for sign-out and re-check. Never shown.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Upstream {
    pub provider: String,
    pub subject: String,
    /// The provider's session id (`sid`), which front-channel logout names.
    #[serde(default)]
    pub sid: Option<String>,
    /// Opaque `login_hint` claim, given back as `logout_hint`.
    #[serde(default)]
    pub login_hint: Option<String>,
    /// The sealed refresh token, kept only when `recheck` is on.
    #[serde(default)]
    pub refresh_token: Option<String>,
    /// When the provider was last asked whether the person is still welcome.
    #[serde(default)]
    pub checked_at: Option<Timestamp>,
}

/// A session. The token itself is not part of it: the database knows only the token's hash.
#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    pub id: Uuid,
    pub identity_id: Uuid,
    /// The stored flag; [`Session::is_active`] also looks at time and identity.
    pub active: bool,
    pub issued_at: Timestamp,
    pub expires_at: Timestamp,
    pub authenticated_at: Timestamp,
    pub aal: Aal,
    pub authentication_methods: Vec<AuthenticationMethod>,
    pub devices: Vec<Device>,
    pub upstream: Option<Upstream>,
    /// Present when the caller asked for it.
    pub identity: Option<Identity>,
}

impl Session {
    /// Flagged, unexpired, and of an active identity (when that is loaded).
    pub fn is_active(&self, now: Timestamp) -> bool {
        self.active && now < self.expires_at && self.identity.as_ref().is_none_or(Identity::is_active)
    }

    /// The session's JSON. `identity` is the already rendered identity, or null when it wasn't expanded.
    pub fn to_json(&self, now: Timestamp, identity: Value, with_devices: bool) -> Value {
        let mut out = Map::new();
        out.insert("id".into(), json!(self.id));
        out.insert("active".into(), json!(self.is_active(now)));
        out.insert("expires_at".into(), json!(self.expires_at));
        out.insert("authenticated_at".into(), json!(self.authenticated_at));
        out.insert("authenticator_assurance_level".into(), json!(self.aal));
        out.insert("authentication_methods".into(), json!(self.authentication_methods));
        out.insert("issued_at".into(), json!(self.issued_at));
        out.insert("identity".into(), identity);
        out.insert("devices".into(), if with_devices { json!(self.devices) } else { Value::Null });
        Value::Object(out)
    }
}
