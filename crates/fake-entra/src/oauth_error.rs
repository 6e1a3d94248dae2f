//! Refusals: Entra's shape with AADSTS numbers, and plain OAuth for everybody else.

use axum::response::Response;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::clock::entra_timestamp;
use crate::reply;

/// A refusal that knows both of its shapes.
#[derive(Clone, Debug)]
pub(crate) struct OAuthError {
    pub(crate) status: u16,
    pub(crate) error: String,
    pub(crate) code: u32,
    pub(crate) text: String,
    pub(crate) subcode: Option<&'static str>,
}

impl OAuthError {
    pub(crate) fn new(status: u16, error: &str, code: u32, text: impl Into<String>) -> OAuthError {
        OAuthError { status, error: error.to_owned(), code, text: text.into(), subcode: None }
    }

    pub(crate) fn missing_parameter(name: &str) -> OAuthError {
        let text = format!("The request body must contain the following parameter: '{name}'.");
        OAuthError::new(400, "invalid_request", 900144, text)
    }

    pub(crate) fn malformed() -> OAuthError {
        OAuthError::new(400, "invalid_request", 9002313, "Invalid request. Request is malformed or invalid.")
    }

    pub(crate) fn grant(code: u32, text: &str) -> OAuthError {
        OAuthError::new(400, "invalid_grant", code, text)
    }

    pub(crate) fn client(code: u32, text: impl Into<String>) -> OAuthError {
        OAuthError::new(401, "invalid_client", code, text)
    }

    pub(crate) fn unknown_client(id: &str) -> OAuthError {
        let text = format!(
            "Application with identifier '{id}' was not found in the directory 'Contoso'. This can happen if the \
             application has not been installed by the administrator of the tenant or consented to by any user in \
             the tenant. You may have sent your authentication request to the wrong tenant."
        );
        OAuthError::new(400, "unauthorized_client", 700016, text)
    }

    /// As the token endpoint says it.
    pub(crate) fn answer(&self, entra: bool, now: i64) -> Response {
        reply::json(self.status, &if entra { self.entra_body(now) } else { self.plain_body() })
    }

    pub(crate) fn entra_body(&self, now: i64) -> Value {
        let (trace, correlation) = (Uuid::new_v4().to_string(), Uuid::new_v4().to_string());
        let timestamp = entra_timestamp(now);
        let description = format!(
            "AADSTS{}: {} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {timestamp}",
            self.code, self.text
        );
        json!({
            "error": self.error, "error_description": description, "error_codes": [self.code],
            "timestamp": timestamp, "trace_id": trace, "correlation_id": correlation, "error_uri": self.uri(),
        })
    }

    pub(crate) fn plain_body(&self) -> Value {
        json!({ "error": self.error, "error_description": self.text })
    }

    /// As parameters of the redirect back to the application.
    pub(crate) fn redirect_parameters(&self, entra: bool) -> Vec<(&'static str, String)> {
        let mut parameters = vec![("error", self.error.clone())];
        if entra {
            parameters.push(("error_description", format!("AADSTS{}: {}", self.code, self.text)));
            parameters.push(("error_uri", self.uri()));
        } else {
            parameters.push(("error_description", self.text.clone()));
        }
        if let Some(subcode) = self.subcode {
            parameters.push(("error_subcode", subcode.to_owned()));
        }
        parameters
    }

    fn uri(&self) -> String {
        format!("https://login.microsoftonline.com/error?code={}", self.code)
    }
}
