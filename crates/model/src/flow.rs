//! Flows: the record of one login, registration or settings attempt (contract §2).
//!
//! One type serves all three kinds: they share nearly everything, and a login that turns into a
//! registration keeps its context. [`Flow::to_json`] shows each kind with exactly the fields Kratos gives it.

use crate::continue_with::ContinueWith;
use crate::timestamp::Timestamp;
use crate::ui::Container;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// Which flow it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlowKind {
    Login,
    Registration,
    Settings,
}

impl FlowKind {
    /// The segment in URLs and in configuration keys.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Registration => "registration",
            Self::Settings => "settings",
        }
    }
}

/// `browser` flows are bound to the anti-CSRF cookie, `api` flows use no cookies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlowType {
    Browser,
    Api,
}

/// Authenticator assurance level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Hash)]
#[serde(rename_all = "snake_case")]
pub enum Aal {
    Aal0,
    Aal1,
    Aal2,
}

/// Where the flow stands; clients key on these exact values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlowState {
    ChooseMethod,
    ShowForm,
    Success,
}

/// One login, registration or settings attempt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Flow {
    pub id: Uuid,
    pub kind: FlowKind,
    #[serde(rename = "type")]
    pub flow_type: FlowType,
    pub issued_at: Timestamp,
    pub expires_at: Timestamp,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// Full URL of the request that began it; kept when a login turns into a registration.
    pub request_url: String,
    #[serde(default)]
    pub return_to: Option<String>,
    #[serde(default)]
    pub active: Option<String>,
    pub ui: Container,
    pub state: FlowState,
    #[serde(default)]
    pub organization_id: Option<Uuid>,
    #[serde(default)]
    pub identity_schema: Option<String>,
    /// Login: asks a signed-in person to sign in again.
    #[serde(default)]
    pub refresh: bool,
    pub requested_aal: Aal,
    #[serde(default)]
    pub oauth2_login_challenge: Option<String>,
    /// Settings: whose flow it is.
    #[serde(default)]
    pub identity_id: Option<Uuid>,
    #[serde(default)]
    pub continue_with: Vec<ContinueWith>,
    /// The unmasked anti-CSRF token of the browser that began it; empty for native flows.
    #[serde(default)]
    pub csrf_token: String,
    /// Given by the client at submit, never stored with the flow.
    #[serde(skip)]
    pub transient_payload: Option<Value>,
    /// The code with which a native app fetches its session; shown once, when the flow is created.
    #[serde(skip)]
    pub session_token_exchange_code: Option<String>,
    /// The OAuth2 server's login request, fetched for rendering only.
    #[serde(skip)]
    pub oauth2_login_request: Option<Value>,
    /// A new link that waits until the owner of the address has signed in.
    #[serde(default)]
    pub pending_link: Option<PendingLink>,
    /// A registration that came from a login and may only link to an existing identity, never create one.
    #[serde(default)]
    pub linking_only: bool,
    /// True when a client waits at the token-exchange endpoint for this flow.
    #[serde(default)]
    pub token_exchange: bool,
    /// The admin's test login: which provider is tried, and what came of it.
    #[serde(default)]
    pub test_context: Option<Value>,
}

/// Account linking in waiting: the link that met an address already in use (contract §3.7.1).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PendingLink {
    /// The new link with its sealed tokens.
    pub link: crate::credentials::OidcLink,
    /// The identifier that both identities claim.
    pub duplicate_identifier: String,
    /// Stands for the browser that proposed the link: only it may confirm it. `None` for apps.
    #[serde(default)]
    pub proposer: Option<String>,
}

impl Flow {
    pub fn is_expired(&self, now: Timestamp) -> bool {
        now >= self.expires_at
    }

    pub fn is_browser(&self) -> bool {
        self.flow_type == FlowType::Browser
    }

    /// The flow's JSON. `identity` is the rendered identity of a settings flow, ignored otherwise.
    pub fn to_json(&self, identity: Option<Value>) -> Value {
        let mut out = Map::new();
        out.insert("id".into(), json!(self.id));
        out.insert("organization_id".into(), json!(self.organization_id));
        if let Some(challenge) = &self.oauth2_login_challenge {
            out.insert("oauth2_login_challenge".into(), json!(challenge));
        }
        if let Some(request) = &self.oauth2_login_request {
            out.insert("oauth2_login_request".into(), request.clone());
        }
        out.insert("type".into(), json!(self.flow_type));
        out.insert("expires_at".into(), json!(self.expires_at));
        out.insert("issued_at".into(), json!(self.issued_at));
        out.insert("request_url".into(), json!(self.request_url));
        if let Some(return_to) = &self.return_to {
            out.insert("return_to".into(), json!(return_to));
        }
        if let Some(active) = &self.active {
            out.insert("active".into(), json!(active));
        }
        out.insert("ui".into(), json!(self.ui));
        if self.kind == FlowKind::Login {
            out.insert("created_at".into(), json!(self.created_at));
            out.insert("updated_at".into(), json!(self.updated_at));
            out.insert("refresh".into(), json!(self.refresh));
            out.insert("requested_aal".into(), json!(self.requested_aal));
            if let Some(context) = &self.test_context {
                out.insert("test_context".into(), context.clone());
            }
        }
        if let Some(code) = &self.session_token_exchange_code {
            out.insert("session_token_exchange_code".into(), json!(code));
        }
        if self.kind == FlowKind::Settings {
            out.insert("identity".into(), identity.unwrap_or(Value::Null));
            if !self.continue_with.is_empty() {
                out.insert("continue_with".into(), json!(self.continue_with));
            }
        }
        out.insert("state".into(), json!(self.state));
        if let Some(payload) = &self.transient_payload {
            out.insert("transient_payload".into(), payload.clone());
        }
        if let (Some(schema), true) = (&self.identity_schema, self.kind != FlowKind::Settings) {
            out.insert("identity_schema".into(), json!(schema));
        }
        Value::Object(out)
    }
}
