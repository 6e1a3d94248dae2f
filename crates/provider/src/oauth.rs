//! Providers without ID tokens: GitHub's API and GitLab's userinfo tell who the access token belongs to.

use crate::connection::{AuthorizeParts, Connection, email_verified};
use crate::error::{ProviderError, Step};
use crate::request::{
    Authorization, AuthorizeRequest, ExchangeRequest, Facts, IdTokenRequest, Refreshed, SignOutRequest, SignedIn,
    Tokens,
};
use crate::token::TokenReply;
use crate::{Provider, gate};
use async_trait::async_trait;
use bia_config::{OidcProvider, Pkce};
use bia_model::{Claims, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use std::borrow::Cow;
use url::Url;

const SIZE_MAX: usize = 1024 * 1024;

/// Where a service lives and how its answer becomes claims.
#[async_trait]
pub(crate) trait Service: Send + Sync {
    /// The public instance; `issuer_url` names another.
    fn host(&self) -> &'static str;
    /// Paths below the host: authorization and token endpoint.
    fn paths(&self) -> (&'static str, &'static str);
    async fn claims(&self, api: &Api<'_>, reply: &TokenReply) -> Result<Claims, ProviderError>;
}

pub(crate) struct OAuth<S> {
    connection: Connection,
    service: S,
}

/// Calls with the person's access token.
pub(crate) struct Api<'a> {
    pub(crate) connection: &'a Connection,
    pub(crate) host: &'a str,
    token: Option<&'a str>,
}

impl<S: Service> OAuth<S> {
    pub(crate) fn new(connection: Connection, service: S) -> Self {
        Self { connection, service }
    }

    fn host(&self) -> &str {
        let configured = self.connection.config.issuer_url.as_deref().filter(|url| !url.is_empty());
        configured.unwrap_or(self.service.host()).trim_end_matches('/')
    }

    fn token_url(&self) -> Cow<'_, str> {
        match self.connection.config.token_url.as_deref().filter(|url| !url.is_empty()) {
            Some(url) => url.into(),
            None => format!("{}{}", self.host(), self.service.paths().1).into(),
        }
    }
}

impl Api<'_> {
    pub(crate) async fn get<T: DeserializeOwned>(&self, url: &str) -> Result<T, ProviderError> {
        let failed = |detail: String| {
            let reason = "The identity provider did not tell who signed in. Please try again later.";
            ProviderError::upstream(Step::UserInfo, reason, detail)
        };
        let call = self.connection.outbound.get(url).bearer(self.token.unwrap_or_default());
        let call = call.purpose("userinfo").correlated();
        let call = call.header("accept", "application/json").limit(SIZE_MAX).retries(1);
        let answer = call.send().await.map_err(|e| failed(e.to_string()))?;
        if answer.status != 200 {
            let reason =
                format!("OpenID Connect provider returned a {} status code but 200 is expected.", answer.status);
            return Err(ProviderError::upstream(
                Step::UserInfo,
                reason,
                format!("{} answered with status {}", answer.place(), answer.status),
            ));
        }
        answer.json().map_err(|e| failed(e.to_string()))
    }
}

#[async_trait]
impl<S: Service> Provider for OAuth<S> {
    fn config(&self) -> &OidcProvider {
        &self.connection.config
    }

    async fn authorize(&self, request: AuthorizeRequest<'_>) -> Result<Authorization, ProviderError> {
        let config = &self.connection.config;
        let endpoint = match config.auth_url.as_deref().filter(|url| !url.is_empty()) {
            Some(url) => url.to_owned(),
            None => format!("{}{}", self.host(), self.service.paths().0),
        };
        // Kratos: nothing is added to the configured scopes, and `auto` finds no PKCE without discovery.
        let scope = config.scope.iter().map(String::as_str).collect();
        let pkce = config.pkce == Pkce::Force;
        let parts = AuthorizeParts { endpoint: &endpoint, scope, pkce, nonce: false, extra: Vec::new() };
        self.connection.authorization(&request, parts)
    }

    async fn exchange(&self, request: ExchangeRequest<'_>) -> Result<SignedIn, ProviderError> {
        let reply = self.connection.redeem(&request, &self.token_url(), None).await?;
        let token = reply.tokens.access.as_ref().map(ExposeSecret::expose_secret);
        let api = Api { connection: &self.connection, host: self.host(), token };
        let claims = self.service.claims(&api, &reply).await?;
        let token_sub = claims.sub.clone();
        let facts = Facts { email_proven: email_verified(&claims), token_sub, ..Facts::default() };
        let tokens: Tokens = reply.tokens;
        let signed_in = self.connection.finish(claims, tokens, facts)?;
        gate::check(&self.connection.config, &signed_in)?;
        Ok(signed_in)
    }

    async fn verify_id_token(&self, _: IdTokenRequest<'_>) -> Result<SignedIn, ProviderError> {
        let kind = self.connection.config.provider.as_str();
        // Kratos: this very sentence.
        let reason = format!("The provider {kind} does not support id_token verification");
        Err(ProviderError::upstream(Step::IdToken, reason, "this provider issues no ID tokens to apps"))
    }

    async fn refresh(&self, refresh_token: &SecretString, now: Timestamp) -> Result<Refreshed, ProviderError> {
        self.connection.refresh_with(refresh_token, &self.token_url(), None, now).await
    }

    async fn sign_out_url(&self, _: SignOutRequest<'_>, _: Timestamp) -> Option<Url> {
        None
    }

    fn sign_in_origin(&self) -> Option<String> {
        Some(Url::parse(self.host()).ok()?.origin().ascii_serialization())
    }

    async fn warm(&self, _: Timestamp) -> Result<(), ProviderError> {
        Ok(())
    }
}
