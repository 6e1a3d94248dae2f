//! Provider metadata (`.well-known/openid-configuration`), kept for a day and renewed on use.

use crate::cache::Slot;
use crate::error::{ProviderError, Step};
use crate::keys::Keys;
use crate::types::{AuthUrl, EndSessionUrl, JsonWebKeySetUrl, TokenUrl, UserInfoUrl};
use bia_model::Timestamp;
use bia_outbound::Outbound;
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use uuid::Uuid;

const MAX_AGE: Duration = Duration::from_secs(24 * 60 * 60);
/// Entra's metadata has 2 KiB.
const SIZE_MAX: usize = 256 * 1024;

/// What we need of a provider's metadata. Unknown and surplus fields are left alone: real providers' documents
/// often lack what the standard requires.
#[derive(Debug, Deserialize)]
pub(crate) struct Metadata {
    /// Kept as text: Entra's holds `{tenantid}`, which is no URL.
    pub(crate) issuer: String,
    pub(crate) authorization_endpoint: Option<AuthUrl>,
    pub(crate) token_endpoint: Option<TokenUrl>,
    pub(crate) userinfo_endpoint: Option<UserInfoUrl>,
    pub(crate) jwks_uri: Option<JsonWebKeySetUrl>,
    pub(crate) end_session_endpoint: Option<EndSessionUrl>,
    #[serde(default)]
    pub(crate) id_token_signing_alg_values_supported: Vec<String>,
    #[serde(default)]
    pub(crate) code_challenge_methods_supported: Vec<String>,
    pub(crate) token_endpoint_auth_methods_supported: Option<Vec<String>>,
    /// RFC 9207: every answer to the callback names its issuer.
    #[serde(default)]
    pub(crate) authorization_response_iss_parameter_supported: bool,
}

/// Metadata and keys by address, shared by all providers: several connections to one tenant fetch once.
pub(crate) struct Caches {
    outbound: Outbound,
    metadata: Mutex<HashMap<String, Arc<Slot<Metadata>>>>,
    keys: Mutex<HashMap<String, Arc<Keys>>>,
}

impl Caches {
    pub(crate) fn new(outbound: Outbound) -> Self {
        Self { outbound, metadata: Mutex::default(), keys: Mutex::default() }
    }

    /// How many addresses are remembered.
    pub(crate) fn len(&self) -> usize {
        let metadata = self.metadata.lock().unwrap_or_else(PoisonError::into_inner).len();
        metadata + self.keys.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Metadata at that very address. `fail` decides the visitor's error: Kratos blames the configuration for
    /// `generic`, the upstream for `microsoft`.
    pub(crate) async fn metadata(
        &self,
        url: &str,
        redirects: u8,
        now: Timestamp,
        fail: fn(String) -> ProviderError,
    ) -> Result<Arc<Metadata>, ProviderError> {
        let slot = {
            let mut all = self.metadata.lock().unwrap_or_else(PoisonError::into_inner);
            all.entry(url.to_owned()).or_default().clone()
        };
        let (outbound, url) = (self.outbound.clone(), url.to_owned());
        slot.get(now, MAX_AGE, |_| async move {
            let call =
                outbound.get(&url).purpose("discovery").correlated().limit(SIZE_MAX).retries(1).redirects(redirects);
            let answer = call.send().await.map_err(|e| fail(e.to_string()))?;
            if answer.status != 200 {
                return Err(fail(format!("{} answered with status {}", answer.place(), answer.status)));
            }
            answer.json::<Metadata>().map_err(|e| fail(e.to_string()))
        })
        .await
    }

    /// The key set at that address; the same object each time, because it keeps the budget for unknown keys.
    pub(crate) fn keys(&self, url: &str) -> Arc<Keys> {
        let mut all = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(url.to_owned()).or_insert_with(|| Arc::new(Keys::new(self.outbound.clone(), url))).clone()
    }
}

impl Metadata {
    /// RFC 9207: the answer has to come from the provider that the browser was sent to. Otherwise a provider under an
    /// attacker's hand could lead the browser on to an honest one, and be sent that one's code (mix-up attack).
    pub(crate) fn check_answer(&self, iss: Option<&str>, other_issuers: &[&str]) -> Result<(), ProviderError> {
        let reason =
            "The identity provider's answer was not accepted: another provider answered. Please sign in again.";
        let refused = |detail| Err(ProviderError::refused(Step::TokenExchange, reason, detail));
        match iss {
            None if self.authorization_response_iss_parameter_supported => {
                refused("the answer names no issuer, although the metadata promises that every answer does (RFC 9207)")
            }
            Some(iss) if !is_issuer(&self.issuer, iss) && !other_issuers.contains(&iss) => {
                refused("the answer names another issuer than the metadata: a mix-up of providers (RFC 9207)")
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn jwks_uri(&self) -> Result<&str, ProviderError> {
        self.jwks_uri.as_ref().map(|u| u.as_str()).ok_or_else(|| missing("jwks_uri"))
    }

    pub(crate) fn token_endpoint(&self) -> Result<&str, ProviderError> {
        self.token_endpoint.as_ref().map(|u| u.as_str()).ok_or_else(|| missing("token_endpoint"))
    }

    pub(crate) fn authorization_endpoint(&self) -> Result<&str, ProviderError> {
        self.authorization_endpoint.as_ref().map(|u| u.as_str()).ok_or_else(|| missing("authorization_endpoint"))
    }
}

/// Entra's issuer is a template with the tenant left open; the ID token settles which one it may be.
fn is_issuer(issuer: &str, iss: &str) -> bool {
    let Some((before, after)) = issuer.split_once("{tenantid}") else {
        return issuer == iss;
    };
    let tenant = iss.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
    tenant.is_some_and(|tenant| Uuid::try_parse(tenant).is_ok())
}

fn missing(field: &str) -> ProviderError {
    upstream_unavailable(format!("the metadata lacks {field}"))
}

/// Kratos: Microsoft's discovery failing is an upstream error.
pub(crate) fn upstream_unavailable(detail: String) -> ProviderError {
    ProviderError::upstream(
        Step::Discovery,
        "Unable to initialize OpenID Connect Provider: its metadata or keys could not be read. Please try again later.",
        detail,
    )
}

/// Kratos: a generic provider's discovery failing is a configuration error.
pub(crate) fn misconfigured(detail: String) -> ProviderError {
    let reason = "Unable to initialize OpenID Connect Provider: its metadata could not be read or does not fit.";
    ProviderError::new(Step::Discovery, bia_model::ApiError::invalid_configuration(reason), detail)
        .with_config_key("issuer_url")
}
