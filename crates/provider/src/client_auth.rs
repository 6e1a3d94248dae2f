//! How we prove to the token endpoint who we are: secrets in order, a certificate, a federated token, Apple's key.

use crate::assertion::{self, AppleKey};
use crate::certificate::Certificate;
use crate::error::{ProviderError, Step};
use bia_config::{OidcProvider, ProviderKind};
use bia_model::{ApiError, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

const SECRET_FILE_MAX: u64 = 64 * 1024;

/// What goes with one token request.
#[derive(Clone)]
pub(crate) enum Credential {
    Secret(SecretString),
    /// `client_assertion` (RFC 7523).
    Assertion(SecretString),
    /// A public client.
    None,
}

/// Where a secret travels; providers differ, and Kratos finds out by trying.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Basic,
    Body,
}

/// Everything a provider entry says about its credentials.
pub(crate) struct ClientAuth {
    pub(crate) client_id: String,
    /// The entry that holds the credentials; a label of metrics.
    provider: String,
    kind: ProviderKind,
    secrets: Vec<SecretString>,
    /// The key that holds them.
    secrets_key: &'static str,
    secret_file: Option<PathBuf>,
    certificate: Option<Certificate>,
    federated_token_file: Option<PathBuf>,
    apple: Option<AppleKey>,
    /// What worked, by token address.
    styles: Mutex<HashMap<String, Style>>,
}

impl ClientAuth {
    /// `source` is the entry itself, or the one that `credentials_from` names.
    pub(crate) fn new(source: &OidcProvider) -> Self {
        let microsoft = &source.microsoft;
        Self {
            client_id: source.client_id.clone(),
            provider: source.id.clone(),
            kind: source.provider,
            secrets: source.client_secrets().cloned().collect(),
            secrets_key: if source.client_secrets.is_empty() { "client_secret" } else { "client_secrets" },
            secret_file: source.client_secret_file.clone(),
            certificate: microsoft.client_certificate.as_ref().map(Certificate::new),
            federated_token_file: microsoft.federated_token_file.clone(),
            apple: (source.provider == ProviderKind::Apple).then(|| AppleKey::new(source)),
            styles: Mutex::default(),
        }
    }

    /// The credentials to try, in order; each is sent at most once per exchange.
    pub(crate) async fn credentials(&self, audience: &str, now: Timestamp) -> Result<Vec<Credential>, ProviderError> {
        if let Some(path) = &self.federated_token_file {
            let token = read_trimmed(path, "microsoft.federated_token_file").await?;
            return Ok(vec![Credential::Assertion(token)]);
        }
        if let Some(certificate) = &self.certificate {
            let assertion = assertion::of_certificate(certificate, &self.client_id, audience, now).await?;
            return Ok(vec![Credential::Assertion(assertion)]);
        }
        if let Some(apple) = &self.apple {
            return Ok(vec![Credential::Secret(apple.secret(&self.client_id, now)?)]);
        }
        let mut found = Vec::new();
        if let Some(path) = &self.secret_file {
            // Read for every exchange: a rotated file counts at once.
            match read_trimmed(path, "client_secret_file").await {
                Ok(secret) => found.push(Credential::Secret(secret)),
                Err(error) if self.secrets.is_empty() => return Err(error),
                Err(error) => tracing::warn!(%error, "the other configured secrets are tried"),
            }
        }
        found.extend(self.secrets.iter().cloned().map(Credential::Secret));
        found.dedup_by(|a, b| same_secret(a, b));
        if found.is_empty() {
            found.push(Credential::None);
        }
        Ok(found)
    }

    /// Where to put the secret, and whether another place may be tried when that is refused.
    pub(crate) fn style(&self, token_url: &str, offered: Option<&[String]>) -> (Style, bool) {
        let styles = self.styles.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = styles.get(token_url) {
            return (*known, false);
        }
        let offers = |method: &str| offered.is_none_or(|list| list.iter().any(|m| m == method));
        match self.kind {
            ProviderKind::Apple => (Style::Body, false),
            ProviderKind::Microsoft => (Style::Basic, false),
            _ if !offers("client_secret_basic") && offers("client_secret_post") => (Style::Body, false),
            _ => (Style::Basic, true),
        }
    }

    /// Counts which of several secrets the provider took, so that operators see when the old one can go.
    pub(crate) fn count_accepted(&self, position: usize) {
        let (provider, secret) = (self.provider.clone(), position.to_string());
        metrics::counter!("bia_client_secret_accepted_total", "provider" => provider, "secret" => secret).increment(1);
    }

    /// The key of the configuration behind a credential, for messages.
    pub(crate) fn key_of(&self, credential: &Credential) -> &'static str {
        match credential {
            Credential::Assertion(_) if self.federated_token_file.is_some() => "microsoft.federated_token_file",
            Credential::Assertion(_) => "microsoft.client_certificate",
            Credential::Secret(_) if self.apple.is_some() => "apple_private_key",
            // The file goes first, so what was refused last is its content only when there is nothing else.
            Credential::Secret(_) if self.secret_file.is_some() && self.secrets.is_empty() => "client_secret_file",
            Credential::Secret(_) => self.secrets_key,
            Credential::None => "client_secret",
        }
    }

    pub(crate) fn remember(&self, token_url: &str, style: Style) {
        let mut styles = self.styles.lock().unwrap_or_else(PoisonError::into_inner);
        if styles.len() < 64 {
            styles.insert(token_url.to_owned(), style);
        }
    }
}

fn same_secret(a: &Credential, b: &Credential) -> bool {
    match (a, b) {
        (Credential::Secret(a), Credential::Secret(b)) => a.expose_secret() == b.expose_secret(),
        _ => false,
    }
}

async fn read_trimmed(path: &Path, key: &str) -> Result<SecretString, ProviderError> {
    let failed = |why: String| {
        let api = ApiError::internal("The sign-in can't be completed because the server is not set up correctly.");
        let detail = format!("the file {} could not be used: {why}", path.display());
        ProviderError::new(Step::Configuration, api, detail).with_config_key(key)
    };
    let meta = tokio::fs::metadata(path).await.map_err(|e| failed(e.to_string()))?;
    if meta.len() > SECRET_FILE_MAX {
        return Err(failed(format!("it has more than {SECRET_FILE_MAX} bytes")));
    }
    let text = tokio::fs::read_to_string(path).await.map_err(|e| failed(e.to_string()))?;
    let text = text.trim();
    if text.is_empty() {
        return Err(failed("it is empty".to_owned()));
    }
    Ok(SecretString::from(text.to_owned()))
}
