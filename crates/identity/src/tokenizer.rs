//! `?tokenize_as=<template>`: a session as a signed token (contract §8.4).
//!
//! Claims are Kratos' own, then the template's mapper may add to them; who the token is about is never the
//! mapper's to say. Keys come from files or inline text only.

mod jwk;

use bia_config::{Config, Source, TokenSubject, TokenizerTemplate};
use bia_mapper::{Evaluation, Mapper};
use bia_model::{ApiError, Session, Timestamp};
use bia_outbound::Sources;
use jwk::SigningKey;
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// Largest key set that is read.
const JWKS_BYTES_MAX: usize = 256 * 1024;
const MAPPER_BYTES_MAX: usize = 1024 * 1024;

/// What a token is made with.
#[derive(Clone, Copy)]
pub struct Tokenizer<'a> {
    pub config: &'a Config,
    pub sources: &'a Sources,
    pub mapper: &'a Mapper,
    pub now: Timestamp,
}

impl Tokenizer<'_> {
    /// The token of a session. `rendered` is the session as its owner sees it.
    ///
    /// # Errors
    /// 400 for an unknown template, an unusable key, a missing external id or a mapper that fails.
    pub async fn tokenize(&self, template_name: &str, session: &Session, rendered: &Value) -> Result<String, ApiError> {
        let templates = &self.config.session.whoami.tokenizer.templates;
        let template = templates
            .get(template_name)
            .ok_or_else(|| ApiError::bad_request(format!("Unable to find tokenizer template \"{template_name}\".")))?;
        let key = self.key(template).await?;
        let subject = subject(template, session)?;
        let mut claims = self.own_claims(template, session, &subject);
        if let Some(source) = &template.claims_mapper_url {
            let mapped = self.map(source, rendered, &claims).await?;
            claims.extend(mapped);
        }
        // The mapper can't make a token that is about somebody else.
        claims.insert("sub".into(), subject.into());
        jwk::sign(&key, &Value::Object(claims)).ok_or_else(|| ApiError::bad_request("Unable to sign JSON Web Token."))
    }

    fn own_claims(&self, template: &TokenizerTemplate, session: &Session, subject: &str) -> Map<String, Value> {
        let now = self.now.secs();
        let claims = json!({
            "jti": Uuid::new_v4(),
            "iss": self.config.public_url().as_str(),
            "exp": (self.now + template.ttl).secs(),
            "sid": session.id,
            "nbf": now,
            "iat": now,
            "sub": subject,
        });
        match claims {
            Value::Object(claims) => claims,
            _ => Map::new(),
        }
    }

    async fn key(&self, template: &TokenizerTemplate) -> Result<SigningKey, ApiError> {
        let unusable = || ApiError::invalid_configuration("The tokenizer's key set can not be read.");
        // Kratos: private keys don't travel over a network.
        if !matches!(template.jwks_url, Source::File(_) | Source::Base64(_)) {
            return Err(unusable());
        }
        let text = self.sources.text(&template.jwks_url.to_text(), JWKS_BYTES_MAX).await.map_err(|error| {
            tracing::error!(%error, "a tokenizer's key set can't be read");
            unusable()
        })?;
        jwk::first_key(&text)
    }

    async fn map(
        &self,
        source: &Source,
        rendered: &Value,
        claims: &Map<String, Value>,
    ) -> Result<Map<String, Value>, ApiError> {
        let failed = || ApiError::bad_request("Unable to execute tokenizer JsonNet.");
        let text = self.sources.text(&source.to_text(), MAPPER_BYTES_MAX).await.map_err(|error| {
            tracing::error!(%error, "a tokenizer's claims mapper can't be read");
            failed()
        })?;
        let (name, session) = (source.to_string(), rendered.to_string());
        let claims = serde_json::to_string(claims).unwrap_or_default();
        let output = self
            .mapper
            .evaluate(Evaluation {
                source: bia_mapper::Source { name: &name, text: &text },
                ext_vars: &[("session", &session), ("claims", &claims)],
                tla: &[],
                imports: &[],
            })
            .await
            .map_err(|error| {
                tracing::warn!(%error, "a tokenizer's claims mapper failed");
                failed()
            })?;
        let mut output: Value = serde_json::from_str(&output).unwrap_or_default();
        match output.as_object_mut().and_then(|map| map.remove("claims")) {
            Some(Value::Object(claims)) => Ok(claims),
            _ => Err(ApiError::bad_request("Expected tokenizer JsonNet to return a claims object but it did not.")),
        }
    }
}

fn subject(template: &TokenizerTemplate, session: &Session) -> Result<String, ApiError> {
    match template.subject_source {
        TokenSubject::Id => Ok(session.identity_id.to_string()),
        TokenSubject::ExternalId => {
            session.identity.as_ref().and_then(|identity| identity.external_id.clone()).ok_or_else(|| {
                ApiError::bad_request("The session's identity does not have an external ID set, but it is required for the subject claim.")
            })
        }
    }
}
