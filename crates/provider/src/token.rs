//! The token endpoint: one request per credential, redirects never followed, answers capped, errors explained.

use crate::aadsts;
use crate::client_auth::{ClientAuth, Credential, Style};
use crate::error::{ProviderError, Step, Upstream, oauth_error_code};
use crate::request::Tokens;
use base64::prelude::{BASE64_STANDARD, Engine};
use bia_model::{ApiError, Timestamp};
use bia_outbound::{Answer, Outbound};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;
use std::time::Duration;

const SIZE_MAX: usize = 1024 * 1024;
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// A new federated credential takes some time to spread among Entra's servers.
const FEDERATED_NOT_YET_KNOWN: u32 = 70021;

/// Where and how tokens are asked for.
pub(crate) struct TokenEndpoint<'a> {
    pub(crate) outbound: &'a Outbound,
    pub(crate) url: &'a str,
    pub(crate) auth: &'a ClientAuth,
    /// `token_endpoint_auth_methods_supported`, when the metadata has it.
    pub(crate) methods: Option<&'a [String]>,
}

/// A successful answer.
pub(crate) struct TokenReply {
    pub(crate) tokens: Tokens,
    /// Granted scopes as the provider wrote them.
    pub(crate) scope: Option<String>,
}

#[derive(Deserialize)]
struct Success {
    access_token: Option<String>,
    #[serde(default)]
    id_token: Value,
    refresh_token: Option<String>,
    #[serde(default)]
    scope: Value,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Failure {
    error: Value,
    error_description: Value,
    error_codes: Vec<u32>,
    correlation_id: Option<String>,
    trace_id: Option<String>,
    timestamp: Option<String>,
}

impl TokenEndpoint<'_> {
    /// Sends `grant` with each credential in order until one is not refused as a client.
    pub(crate) async fn request(
        &self,
        step: Step,
        grant: &[(&str, &str)],
        now: Timestamp,
    ) -> Result<TokenReply, ProviderError> {
        let credentials = self.auth.credentials(self.url, now).await?;
        let (style, may_probe) = self.auth.style(self.url, self.methods);
        let last = credentials.len().saturating_sub(1);
        for (at, credential) in credentials.iter().enumerate() {
            let mut answer = self.send(step, grant, credential, style).await?;
            let mut used = style;
            if may_probe && last == 0 && matches!(credential, Credential::Secret(_)) && wants_other_style(&answer) {
                // Kratos: providers that take no Basic header are found by trying the body. Only with one secret,
                // since of several each is sent once.
                answer = self.send(step, grant, credential, Style::Body).await?;
                used = Style::Body;
            }
            if is_federation_delay(credential, &answer) {
                tokio::time::sleep(Duration::from_secs(1)).await;
                answer = self.send(step, grant, credential, used).await?;
            }
            if answer.status == 200 {
                if matches!(credential, Credential::Secret(_)) {
                    self.auth.count_accepted(at + 1);
                }
                if may_probe && matches!(credential, Credential::Secret(_)) {
                    self.auth.remember(self.url, used);
                }
                return read(step, &answer, self.auth.key_of(credential));
            }
            let refused_client = failure(&answer).error.as_str() == Some("invalid_client");
            if !refused_client || at == last {
                return Err(refusal(step, &answer, self.auth.key_of(credential)));
            }
            tracing::warn!(secret = at + 1, "a client secret was refused; the next one is tried");
        }
        Err(ProviderError::new(step, ApiError::plain(FAILED), "there is no credential to send"))
    }

    async fn send(
        &self,
        step: Step,
        grant: &[(&str, &str)],
        credential: &Credential,
        style: Style,
    ) -> Result<Answer, ProviderError> {
        let mut form = grant.to_vec();
        let mut call = self
            .outbound
            .post(self.url)
            .purpose("token")
            .correlated()
            .limit(SIZE_MAX)
            .header("accept", "application/json");
        match (credential, style) {
            (Credential::Secret(secret), Style::Basic) => {
                call = call.header("authorization", &basic(&self.auth.client_id, secret));
            }
            (Credential::Secret(secret), Style::Body) => {
                form.push(("client_id", &self.auth.client_id));
                form.push(("client_secret", secret.expose_secret()));
            }
            (Credential::Assertion(assertion), _) => {
                form.push(("client_id", &self.auth.client_id));
                form.push(("client_assertion_type", ASSERTION_TYPE));
                form.push(("client_assertion", assertion.expose_secret()));
            }
            (Credential::None, _) => form.push(("client_id", &self.auth.client_id)),
        }
        call.form(&form)
            .send()
            .await
            .map_err(|error| ProviderError::new(step, ApiError::plain(UNREACHABLE), error.to_string()))
    }
}

// Kratos: everything that goes wrong at the token endpoint is a plain 500 with its text as the message.
const FAILED: &str = "The sign-in could not be completed because the identity provider did not accept the request.";
const UNREACHABLE: &str =
    "The sign-in could not be completed because the identity provider could not be reached. Please try again.";
const GARBLED: &str =
    "The sign-in could not be completed because the identity provider's answer could not be read. Please try again.";

fn read(step: Step, answer: &Answer, config_key: &'static str) -> Result<TokenReply, ProviderError> {
    let garbled = |detail: String| ProviderError::new(step, ApiError::plain(GARBLED), detail);
    let success: Success = answer.json().map_err(|e| garbled(e.to_string()))?;
    // GitHub answers a refusal with status 200.
    let failure = failure(answer);
    if failure.error.is_string() {
        return Err(refusal(step, answer, config_key));
    }
    let access = success.access_token.filter(|t| !t.is_empty());
    let access = access.ok_or_else(|| garbled(format!("{} sent no access_token", answer.place())))?;
    let id = success.id_token.as_str().filter(|t| !t.is_empty());
    let tokens = Tokens {
        id: id.map(SecretString::from),
        access: Some(SecretString::from(access)),
        refresh: success.refresh_token.filter(|t| !t.is_empty()).map(SecretString::from),
    };
    Ok(TokenReply { tokens, scope: success.scope.as_str().map(str::to_owned) })
}

fn failure(answer: &Answer) -> Failure {
    answer.json().unwrap_or_default()
}

/// Entra's and RFC 6749's error body, reduced to what may be shown and logged. `config_key` holds the credential that
/// was sent.
fn refusal(step: Step, answer: &Answer, config_key: &'static str) -> ProviderError {
    let body = failure(answer);
    let description = body.error_description.as_str().unwrap_or_default();
    let error = body.error.as_str().map(oauth_error_code).unwrap_or_default();
    let mut codes = body.error_codes;
    if codes.is_empty() {
        codes = aadsts::codes_in(description);
    }
    codes.truncate(8);
    let id = |given: Option<String>, label: &str| {
        given
            .and_then(|text| uuid::Uuid::parse_str(&text).ok())
            .map(|id| id.to_string())
            .or_else(|| aadsts::id_after(description, label))
    };
    let upstream = Upstream {
        codes,
        correlation_id: id(body.correlation_id, "Correlation ID:"),
        trace_id: id(body.trace_id, "Trace ID:"),
        timestamp: body.timestamp.as_deref().and_then(aadsts::moment),
        status: Some(answer.status),
        error: error.clone(),
    };
    let message = if error.is_empty() {
        FAILED.to_owned()
    } else {
        format!("The sign-in could not be completed because the identity provider answered \"{error}\".")
    };
    let detail = format!("{} answered with status {}", answer.place(), answer.status);
    let failed = ProviderError::new(step, ApiError::plain(message), detail)
        .with_upstream(upstream)
        .with_retry_after(answer.retry_after());
    if error == "invalid_client" { failed.with_config_key(config_key) } else { failed }
}

/// A refusal that may be about where the secret was, never one about the code: that one is used up.
fn wants_other_style(answer: &Answer) -> bool {
    let code = failure(answer).error;
    match code.as_str() {
        Some(code) => matches!(code, "invalid_client" | "unauthorized_client" | "invalid_request"),
        None => matches!(answer.status, 400 | 401 | 403),
    }
}

fn is_federation_delay(credential: &Credential, answer: &Answer) -> bool {
    matches!(credential, Credential::Assertion(_))
        && answer.status != 200
        && failure(answer).error_codes.contains(&FEDERATED_NOT_YET_KNOWN)
}

/// RFC 6749 2.3.1: both parts are form-encoded before they are joined.
fn basic(client_id: &str, secret: &SecretString) -> String {
    let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let pair = format!("{}:{}", encode(client_id), encode(secret.expose_secret()));
    format!("Basic {}", BASE64_STANDARD.encode(pair))
}
