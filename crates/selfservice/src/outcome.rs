//! What a flow function decided. How that looks on the wire is the server's business alone.

use bia_model::{ApiError, ContinueWith, Flow, Session, Timestamp};
use serde_json::Value;

/// An outcome together with what happens to the client's cookies.
#[derive(Debug)]
pub struct Reply {
    pub outcome: Outcome,
    pub effects: Effects,
}

/// Changes to cookies that go with an answer, whatever its shape.
#[derive(Debug, Default)]
pub struct Effects {
    /// Give the browser a session.
    pub session: Option<SessionCookie>,
    /// Take the session cookie away.
    pub end_session: bool,
    /// Issue a new anti-CSRF token: somebody else is signed in now, or nobody.
    pub rotate_csrf: bool,
    /// Set the continuity cookie to this secret.
    pub browser_id: Option<String>,
    /// `Clear-Site-Data`, when configured, on logout.
    pub clear_site_data: bool,
    /// `Content-Security-Policy: frame-ancestors …`: the one origin whose pages may frame this answer.
    pub frame_ancestors: Option<String>,
}

/// A session for a browser.
#[derive(Debug)]
pub struct SessionCookie {
    pub token: String,
    pub expires_at: Timestamp,
}

/// Where an HTML client is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirect {
    pub to: String,
    /// 303 almost everywhere; Kratos uses 302 in a few places.
    pub status: u16,
}

impl Redirect {
    pub fn see_other(to: impl Into<String>) -> Self {
        Self { to: to.into(), status: 303 }
    }

    pub fn found(to: impl Into<String>) -> Self {
        Self { to: to.into(), status: 302 }
    }
}

/// What happened. "JSON" below means an API flow or a client that negotiated JSON, "HTML" any other.
#[derive(Debug)]
pub enum Outcome {
    /// A new flow. API or accepts JSON: 200 with the flow; HTML: 303 to the flow's UI.
    FlowCreated(Box<Flow>),
    /// The flow as JSON with 200, whoever asks.
    FlowShown(Box<Flow>),
    /// The flow gained messages. JSON: `status` with the flow; HTML: to the flow's UI with the extra query
    /// parameters (login and settings 303, registration 302).
    FormError { flow: Box<Flow>, status: u16, query: Vec<(String, String)> },
    /// The submitted flow had expired and `flow` replaces it. JSON: 410; HTML: 303 to the new flow's UI.
    FlowReplaced { flow: Box<Flow>, expired_at: Timestamp, error: ApiError },
    /// The browser must visit the provider. JSON: 422 with the address; HTML: 303.
    GoToProvider { url: String },
    /// HTML: the redirect, or the error UI when there is none; JSON: the error.
    Refused { error: ApiError, redirect: Option<Redirect> },
    /// The error as JSON, whoever asks (Kratos' callback does so when the method is off).
    RefusedJson(ApiError),
    /// A redirect for everybody, JSON clients too.
    RedirectAll(Redirect),
    /// Signed in. API: 200 `{session_token, session, continue_with}`; browser JSON: 200 `{session, continue_with}`;
    /// HTML: 303 to `return_to`. `session.identity` is filled in.
    SignedIn {
        flow: Box<Flow>,
        session: Box<Session>,
        token: String,
        return_to: String,
        continue_with: Vec<ContinueWith>,
    },
    /// Registered. With `session`: API 200 `{session_token, session, identity, continue_with}`, browser JSON the
    /// same without token; without: 200 `{identity, continue_with}`. HTML: 303 to `return_to`.
    Registered {
        flow: Box<Flow>,
        identity: Box<bia_model::Identity>,
        session: Option<(Box<Session>, String)>,
        return_to: String,
        continue_with: Vec<ContinueWith>,
    },
    /// Settings saved. JSON: 200 with the flow; HTML: 303 to `return_to`.
    SettingsSaved { flow: Box<Flow>, return_to: String },
    /// A plain JSON answer.
    Json { status: u16, body: Value },
    /// Done, nothing to say. HTML: 303 to `return_to` when there is one; JSON: 204.
    Done { return_to: Option<String> },
    /// An HTML form that posts itself, or a built-in page: the body as it is.
    Html { status: u16, body: String },
}

impl From<Outcome> for Reply {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, effects: Effects::default() }
    }
}

impl From<ApiError> for Reply {
    fn from(error: ApiError) -> Self {
        Outcome::Refused { error, redirect: None }.into()
    }
}

impl Reply {
    #[must_use]
    pub fn with_effects(mut self, effects: Effects) -> Self {
        self.effects = effects;
        self
    }
}
