//! The error that travels over the wire (contract §9): one type for every refusal that a client may see.
//!
//! `message`, `reason` and `details` are for the visitor and never hold a secret, a token or a claim's
//! value. What only the operator may read goes to the log where the error is made.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Names of `error.id`; clients switch on them.
pub mod id {
    pub const SESSION_INACTIVE: &str = "session_inactive";
    pub const SESSION_ALREADY_AVAILABLE: &str = "session_already_available";
    pub const SESSION_AAL1_REQUIRED: &str = "session_aal1_required";
    pub const SESSION_AAL2_REQUIRED: &str = "session_aal2_required";
    pub const SESSION_REFRESH_REQUIRED: &str = "session_refresh_required";
    pub const SESSION_VERIFIED_ADDRESS_REQUIRED: &str = "session_verified_address_required";
    pub const CSRF_VIOLATION: &str = "security_csrf_violation";
    pub const IDENTITY_MISMATCH: &str = "security_identity_mismatch";
    pub const FLOW_EXPIRED: &str = "self_service_flow_expired";
    pub const FLOW_DISABLED: &str = "self_service_flow_disabled";
    pub const RETURN_TO_FORBIDDEN: &str = "self_service_flow_return_to_forbidden";
    pub const BROWSER_LOCATION_CHANGE_REQUIRED: &str = "browser_location_change_required";
    pub const IDENTITY_DISABLED: &str = "identity_disabled";
    pub const INVALID_CONFIGURATION: &str = "invalid_configuration";
    pub const UPSTREAM_ERROR: &str = "upstream_error";
}

/// An API error. Whether it can be shown inside a form depends on its code (contract §9.4): 400 can.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ApiError {
    /// One of [`id`], or nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The HTTP status.
    pub code: u16,
    /// The HTTP status in words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub status: String,
    /// The request's `X-Request-ID`, when it had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// What happened, for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The short text that Kratos has for this kind of error.
    pub message: String,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub details: Map<String, Value>,
    /// Siblings of `error` in the JSON body: `redirect_browser_to`, `use_flow_id`, …
    #[serde(skip)]
    pub siblings: Map<String, Value>,
    /// Where a sign-in was refused, for metrics and audit. Never part of an answer.
    #[serde(skip)]
    pub refusal: Option<Box<Refusal>>,
}

/// What operators count refusals by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    /// A word of a fixed list.
    pub step: &'static str,
    /// The provider's OAuth `error`, when it said one.
    pub oauth_error: Option<String>,
    /// Microsoft's numbers for it.
    pub aadsts: Option<String>,
}

impl ApiError {
    /// An error with Kratos' default message for that status.
    pub fn new(code: u16) -> Self {
        let (status, message) = defaults(code);
        Self {
            id: None,
            code,
            status: status.to_owned(),
            request: None,
            reason: None,
            message: message.to_owned(),
            details: Map::new(),
            siblings: Map::new(),
            refusal: None,
        }
    }

    /// Names the step that refused, unless one nearer to the cause did so before.
    #[must_use]
    pub fn at_step(mut self, step: &'static str) -> Self {
        self.refusal.get_or_insert_with(|| Box::new(Refusal { step, ..Refusal::default() }));
        self
    }

    pub fn bad_request(reason: impl Into<String>) -> Self {
        Self::new(400).with_reason(reason)
    }

    pub fn unauthorized(reason: impl Into<String>) -> Self {
        Self::new(401).with_reason(reason)
    }

    pub fn forbidden(reason: impl Into<String>) -> Self {
        Self::new(403).with_reason(reason)
    }

    pub fn not_found(reason: impl Into<String>) -> Self {
        Self::new(404).with_reason(reason)
    }

    /// What the database layer answers for a row that isn't there.
    pub fn no_such_row() -> Self {
        Self::new(404).with_message("Unable to locate the resource")
    }

    pub fn conflict(reason: impl Into<String>) -> Self {
        Self::new(409).with_reason(reason)
    }

    /// A failure inside the server; `reason` must be fit for a stranger's eyes.
    pub fn internal(reason: impl Into<String>) -> Self {
        Self::new(500).with_reason(reason)
    }

    /// Kratos: an error that is no API error becomes a 500 whose text is the `message`.
    pub fn plain(message: impl Into<String>) -> Self {
        Self::new(500).with_message(message)
    }

    pub fn invalid_configuration(reason: impl Into<String>) -> Self {
        Self::new(500).with_id(id::INVALID_CONFIGURATION).with_message("Invalid configuration").with_reason(reason)
    }

    pub fn upstream(reason: impl Into<String>) -> Self {
        Self::new(502).with_id(id::UPSTREAM_ERROR).with_message("Upstream error").with_reason(reason)
    }

    #[must_use]
    pub fn with_id(mut self, id: &str) -> Self {
        self.id = Some(id.to_owned());
        self
    }

    #[must_use]
    pub fn with_reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    #[must_use]
    pub fn with_message(mut self, message: impl Into<String>) -> Self {
        self.message = message.into();
        self
    }

    #[must_use]
    pub fn with_detail(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.details.insert(key.to_owned(), value.into());
        self
    }

    /// Adds a sibling of `error` to the JSON body.
    #[must_use]
    pub fn with_sibling(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.siblings.insert(key.to_owned(), value.into());
        self
    }

    /// The whole JSON body: `{"error": {…}, …siblings}`.
    pub fn body(&self) -> Value {
        let mut body = Map::new();
        body.insert("error".to_owned(), serde_json::to_value(self).unwrap_or_default());
        body.extend(self.siblings.clone());
        Value::Object(body)
    }
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.code, self.reason.as_deref().unwrap_or(&self.message))
    }
}

impl std::error::Error for ApiError {}

fn defaults(code: u16) -> (&'static str, &'static str) {
    match code {
        400 => ("Bad Request", "The request was malformed or contained invalid parameters"),
        401 => ("Unauthorized", "The request could not be authorized"),
        403 => ("Forbidden", "The requested action was forbidden"),
        404 => ("Not Found", "The requested resource could not be found"),
        405 => ("Method Not Allowed", "The requested method is not allowed"),
        409 => ("Conflict", "The resource could not be created due to a conflict"),
        410 => {
            ("Gone", "The requested resource is no longer available because it has expired or is otherwise invalid.")
        }
        413 => ("Request Entity Too Large", "The request body is too large"),
        415 => ("Unsupported Media Type", "The request is using an unknown content type"),
        422 => ("Unprocessable Entity", "The request could not be processed"),
        429 => ("Too Many Requests", "Too many requests"),
        502 => ("Bad Gateway", "The upstream server answered improperly"),
        503 => ("Service Unavailable", "The service is unavailable"),
        504 => ("Gateway Timeout", "The upstream server did not answer in time"),
        _ => ("Internal Server Error", "An internal server error occurred, please contact the system administrator"),
    }
}
