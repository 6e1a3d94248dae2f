//! A refusal or failure on the way from the button to verified claims, with two faces: what the visitor may
//! read ([`ProviderError::to_api`]) and what the operator needs ([`ProviderError::log_fields`], `Display`).

use crate::aadsts::{self, Explanation};
use bia_model::ApiError;
use std::fmt;
use std::time::Duration;

/// Where in a sign-in it happened; operators look for the step first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// Settings of the provider, found while it was used.
    Configuration,
    /// Metadata or keys of the provider.
    Discovery,
    /// Building the authorization request.
    Authorize,
    /// The provider sent the browser back with an `error`.
    Denied,
    TokenExchange,
    /// The refresh-token grant of a re-check.
    Refresh,
    IdToken,
    UserInfo,
    Graph,
    /// Claims of unexpected types, or without a subject.
    Claims,
    /// Verified, but the operator's rules say no: tenant, guest, group, role.
    Policy,
}

impl Step {
    /// The name in logs and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Discovery => "discovery",
            Self::Authorize => "authorize",
            Self::Denied => "denied",
            Self::TokenExchange => "token exchange",
            Self::Refresh => "refresh",
            Self::IdToken => "id token",
            Self::UserInfo => "userinfo",
            Self::Graph => "graph",
            Self::Claims => "claims",
            Self::Policy => "policy",
        }
    }
}

/// What the provider itself said about a failure; its description is kept for the log alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Upstream {
    /// The OAuth `error` code. Decisions are made by this alone.
    pub error: String,
    /// AADSTS numbers; they explain, nothing branches on them.
    pub codes: Vec<u32>,
    pub correlation_id: Option<String>,
    pub trace_id: Option<String>,
    /// When it happened by the provider's own clock.
    pub timestamp: Option<String>,
    pub status: Option<u16>,
}

/// Cloneable, so that several visitors who wait for one fetch can share its failure.
#[derive(Clone)]
pub struct ProviderError(Box<Inner>);

#[derive(Clone)]
struct Inner {
    step: Step,
    api: ApiError,
    detail: String,
    upstream: Option<Upstream>,
    explanation: Option<&'static Explanation>,
    config_key: Option<String>,
    retry_after: Option<Duration>,
    claims_challenge: Option<String>,
}

impl ProviderError {
    /// `api` is shown to the visitor, `detail` to the operator. Neither may hold a secret or a claim's value.
    pub(crate) fn new(step: Step, api: ApiError, detail: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            step,
            api,
            detail: detail.into(),
            upstream: None,
            explanation: None,
            config_key: None,
            retry_after: None,
            claims_challenge: None,
        }))
    }

    /// A refusal that goes back into the form as message 4000001.
    pub(crate) fn refused(step: Step, reason: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(step, ApiError::bad_request(reason), detail)
    }

    /// The provider misbehaved: 502 on the error page.
    pub(crate) fn upstream(step: Step, reason: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(step, ApiError::upstream(reason), detail)
    }

    /// What the provider said in the callback's query instead of sending a code (contract §3.5, check 10).
    ///
    /// `error` and `description` come from a URL that anybody can make: the first is reduced to the alphabet of
    /// OAuth error codes, the second only ever explains and goes to the log without being quoted to a visitor.
    pub fn denied(error: &str, description: Option<&str>) -> Self {
        let code = oauth_error_code(error);
        let upstream = Upstream {
            error: code.clone(),
            codes: description.map(aadsts::codes_in).unwrap_or_default(),
            correlation_id: description.and_then(|d| aadsts::id_after(d, "Correlation ID:")),
            trace_id: description.and_then(|d| aadsts::id_after(d, "Trace ID:")),
            timestamp: description.and_then(aadsts::moment_after),
            status: None,
        };
        let reason =
            format!("Unable to complete OpenID Connect flow because the OpenID Provider returned error \"{code}\".");
        Self::refused(Step::Denied, reason, "the provider sent the browser back without a code").with_upstream(upstream)
    }

    /// Adds what the provider said, and the plain sentence for it to whichever side may read it.
    #[must_use]
    pub(crate) fn with_upstream(mut self, upstream: Upstream) -> Self {
        self.0.explanation = upstream.codes.iter().find_map(|code| aadsts::explain(*code));
        if let Some(kind) = self.0.explanation.and_then(|e| e.visitor) {
            let api = &mut self.0.api;
            let text = api.reason.as_mut().unwrap_or(&mut api.message);
            text.push(' ');
            text.push_str(kind);
        }
        self.0.upstream = Some(upstream);
        self
    }

    /// Where consent is missing: names to the visitor what is asked for, and the link with which an administrator
    /// grants it. Another failure stays as it is.
    #[must_use]
    pub(crate) fn with_consent(mut self, scopes: &[&str], admin_link: Option<&str>) -> Self {
        let codes = self.0.upstream.as_ref().map(|u| u.codes.as_slice()).unwrap_or_default();
        let said = self.0.upstream.as_ref().is_some_and(|u| u.error == "consent_required");
        if !said && !crate::consent::is_missing(codes) {
            return self;
        }
        let api = &mut self.0.api;
        let text = api.reason.as_mut().unwrap_or(&mut api.message);
        text.push_str(" It asks for: ");
        text.push_str(&scopes.join(", "));
        text.push('.');
        if let Some(link) = admin_link {
            text.push_str(" An administrator can grant this for the whole organization at ");
            text.push_str(link);
        }
        self
    }

    /// Names the setting to change.
    #[must_use]
    pub(crate) fn with_config_key(mut self, key: impl Into<String>) -> Self {
        self.0.config_key = Some(key.into());
        self
    }

    #[must_use]
    pub(crate) fn with_retry_after(mut self, after: Option<Duration>) -> Self {
        self.0.retry_after = after;
        self
    }

    /// Keeps what the visitor has to satisfy in a second try.
    #[must_use]
    pub(crate) fn with_claims_challenge(mut self, claims: Option<String>) -> Self {
        self.0.claims_challenge = claims;
        self
    }

    /// The same failure with another face for the visitor.
    #[must_use]
    pub(crate) fn with_api(mut self, api: ApiError) -> Self {
        self.0.api = api;
        self
    }

    /// The `claims` to start the sign-in again with, once ([`AuthorizeRequest::claims_challenge`]).
    ///
    /// [`AuthorizeRequest::claims_challenge`]: crate::AuthorizeRequest::claims_challenge
    pub fn claims_challenge(&self) -> Option<&str> {
        self.0.claims_challenge.as_deref()
    }

    pub fn step(&self) -> Step {
        self.0.step
    }

    /// The visitor's side. A 400 belongs into the flow's form, everything else on the error page (contract §9.4).
    pub fn to_api(&self) -> ApiError {
        self.0.api.clone()
    }

    /// What the provider said, when it said something.
    pub fn provider_said(&self) -> Option<&Upstream> {
        self.0.upstream.as_ref()
    }

    /// How long the provider asked to be left alone.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// For `recheck`: the person is gone or has to prove herself anew. Decided by the OAuth error alone, so that an
    /// expired client secret, throttling or an outage never signs anybody out (design §3).
    pub fn ends_sessions(&self) -> bool {
        self.0.step == Step::Refresh
            && self
                .0
                .upstream
                .as_ref()
                .is_some_and(|u| matches!(u.error.as_str(), "invalid_grant" | "interaction_required"))
    }

    /// Names and values for the structured log. Nothing in it is a secret, a token or a claim's value.
    pub fn log_fields(&self) -> Vec<(&'static str, String)> {
        let mut fields = vec![("step", self.0.step.name().to_owned()), ("detail", self.0.detail.clone())];
        if let Some(upstream) = &self.0.upstream {
            fields.push(("oauth_error", upstream.error.clone()));
            let codes: Vec<_> = upstream.codes.iter().map(|c| format!("AADSTS{c}")).collect();
            fields.push(("aadsts", codes.join(" ")));
            fields.push(("upstream_status", upstream.status.map(|s| s.to_string()).unwrap_or_default()));
            fields.push(("correlation_id", upstream.correlation_id.clone().unwrap_or_default()));
            fields.push(("trace_id", upstream.trace_id.clone().unwrap_or_default()));
            fields.push(("upstream_timestamp", upstream.timestamp.clone().unwrap_or_default()));
        }
        if let Some(explanation) = self.0.explanation {
            fields.push(("explanation", explanation.operator.to_owned()));
        }
        if let Some(key) = &self.0.config_key {
            fields.push(("config_key", key.clone()));
        }
        fields.retain(|(_, value)| !value.is_empty());
        fields
    }
}

impl fmt::Display for ProviderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.step.name(), self.0.detail)?;
        for (name, value) in self.log_fields().iter().skip(2) {
            write!(f, "; {name}: {value}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for ProviderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProviderError({self})")
    }
}

impl std::error::Error for ProviderError {}

/// Keeps what RFC 6749 allows in practice; anything else in a URL is somebody's text on our page.
pub(crate) fn oauth_error_code(text: &str) -> String {
    let kept: String =
        text.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')).take(64).collect();
    if kept.is_empty() { "unknown_error".to_owned() } else { kept }
}
