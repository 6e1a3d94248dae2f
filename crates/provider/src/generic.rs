//! Any OpenID Connect provider with discovery; Google and Apple are small variations of it ([`Dialect`]).

use crate::connection::{AuthorizeParts, Connection, email_verified, id_token_of};
use crate::discovery::{Metadata, misconfigured};
use crate::error::{ProviderError, Step};
use crate::id_token::{Expect, Parsed, asymmetric};
use crate::request::{
    Authorization, AuthorizeRequest, ExchangeRequest, Facts, IdTokenRequest, Refreshed, SignOutRequest, SignedIn,
    Tokens,
};
use crate::{Provider, claims, gate, native};
use async_trait::async_trait;
use bia_config::{ClaimsSource, OidcProvider, Pkce};
use bia_model::{ApiError, Claims, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use std::sync::Arc;
use url::Url;

const USERINFO_MAX: usize = 1024 * 1024;

/// What a named provider does differently from plain OpenID Connect.
pub(crate) trait Dialect: Send + Sync {
    /// The issuer unless the configuration names another (for tests and private clouds).
    fn issuer(&self) -> Option<&'static str> {
        None
    }
    /// Further texts that may stand in `iss`.
    fn other_issuers(&self) -> &'static [&'static str] {
        &[]
    }
    /// Changes scope and adds parameters.
    fn authorize<'a>(&self, _config: &'a OidcProvider, _parts: &mut AuthorizeParts<'a>) {}
    /// The authorization endpoint, where it is not the discovered one.
    fn authorize_url<'a>(&self, _config: &'a OidcProvider) -> Option<&'a str> {
        None
    }
    /// Fills in what came beside the token.
    fn amend(&self, _claims: &mut Claims, _user: Option<&str>) {}
    /// Whether a submitted ID token may lack a nonce.
    fn may_lack_nonce(&self, _claims: &Claims) -> bool {
        false
    }
}

/// Plain OpenID Connect.
pub(crate) struct Plain;

impl Dialect for Plain {}

pub(crate) struct Generic<D> {
    connection: Connection,
    dialect: D,
}

impl<D: Dialect> Generic<D> {
    pub(crate) fn new(connection: Connection, dialect: D) -> Self {
        Self { connection, dialect }
    }

    fn issuer(&self) -> &str {
        let configured = self.connection.config.issuer_url.as_deref().filter(|url| !url.is_empty());
        configured.or_else(|| self.dialect.issuer()).unwrap_or_default()
    }

    async fn metadata(&self, now: Timestamp) -> Result<Arc<Metadata>, ProviderError> {
        let issuer = self.issuer();
        if issuer.is_empty() {
            return Err(misconfigured("issuer_url is not set".to_owned()));
        }
        let url = metadata_url(issuer);
        let metadata = self.connection.caches.metadata(&url, 3, now, misconfigured).await?;
        // Discovery 4.3: a document that speaks for somebody else could send people and codes anywhere.
        if metadata.issuer != issuer {
            return Err(misconfigured(format!(
                "the metadata at {url} names the issuer {:?}, not {issuer:?}; issuer_url has to be that very text, closing slash included",
                metadata.issuer.chars().take(200).collect::<String>()
            )));
        }
        Ok(metadata)
    }

    async fn verified(
        &self,
        token: &str,
        audiences: &[&str],
        nonce: Option<&str>,
        now: Timestamp,
    ) -> Result<Claims, ProviderError> {
        let metadata = self.metadata(now).await?;
        let parsed = Parsed::new(token).map_err(|why| {
            let reason =
                "The identity provider's answer was not accepted: the ID token is malformed. Please sign in again.";
            ProviderError::refused(Step::IdToken, reason, why)
        })?;
        let mut issuers = vec![self.issuer()];
        issuers.extend(self.dialect.other_issuers());
        let expect = Expect {
            issuers: &issuers,
            audiences,
            algorithms: &asymmetric(&metadata.id_token_signing_alg_values_supported),
            jwks_uri: metadata.jwks_uri()?,
            nonce,
            tenant: None,
            now,
        };
        parsed.verify(&self.connection.caches, &expect).await?;
        claims::decode(parsed.claims)
    }

    /// Claims of the userinfo endpoint, after making sure that they are about the person of the ID token
    /// (OpenID Connect Core 16.11: a substituted access token names somebody else).
    async fn userinfo(&self, tokens: &Tokens, token_claims: &Claims, now: Timestamp) -> Result<Claims, ProviderError> {
        let metadata = self.metadata(now).await?;
        let failed = |detail: String| {
            let text = "The sign-in could not be completed because the provider's userinfo could not be read. Please try again.";
            ProviderError::new(Step::UserInfo, ApiError::plain(text), detail)
        };
        let url = metadata
            .userinfo_endpoint
            .as_ref()
            .ok_or_else(|| failed("the metadata lacks userinfo_endpoint".to_owned()))?;
        let access = tokens.access.as_ref().map(ExposeSecret::expose_secret).unwrap_or_default();
        let call = self.connection.outbound.get(url.as_str()).bearer(access).limit(USERINFO_MAX);
        let call = call.purpose("userinfo").correlated();
        let answer = call.header("accept", "application/json").send().await.map_err(|e| failed(e.to_string()))?;
        if answer.status != 200 {
            return Err(failed(format!("{} answered with status {}", answer.place(), answer.status)));
        }
        let raw: Map<String, Value> = answer.json().map_err(|e| failed(e.to_string()))?;
        let mut claims = claims::decode(raw)?;
        if claims.sub != token_claims.sub {
            let reason = "sub (Subject) claim mismatch between ID token and UserInfo endpoint";
            return Err(ProviderError::refused(
                Step::UserInfo,
                reason,
                "userinfo is about somebody else than the ID token",
            ));
        }
        if claims.iss.is_empty() {
            claims.iss.clone_from(&token_claims.iss);
        }
        Ok(claims)
    }

    fn finish(&self, claims: Claims, tokens: Tokens, token_sub: String) -> Result<SignedIn, ProviderError> {
        let facts = Facts { email_proven: email_verified(&claims), token_sub, ..Facts::default() };
        let signed_in = self.connection.finish(claims, tokens, facts)?;
        gate::check(&self.connection.config, &signed_in)?;
        Ok(signed_in)
    }

    /// Kratos: `auto` asks the metadata and goes on without when that fails.
    async fn wants_pkce(&self, now: Timestamp) -> bool {
        match self.connection.config.pkce {
            Pkce::Never => false,
            Pkce::Force => true,
            Pkce::Auto => match self.metadata(now).await {
                Ok(metadata) => metadata.code_challenge_methods_supported.iter().any(|m| m == "S256"),
                Err(error) => {
                    tracing::warn!(%error, "PKCE support could not be discovered; going on without");
                    false
                }
            },
        }
    }
}

#[async_trait]
impl<D: Dialect> Provider for Generic<D> {
    fn config(&self) -> &OidcProvider {
        &self.connection.config
    }

    async fn authorize(&self, request: AuthorizeRequest<'_>) -> Result<Authorization, ProviderError> {
        let config = &self.connection.config;
        let metadata;
        let endpoint = match self.dialect.authorize_url(config) {
            Some(url) => url,
            None => {
                metadata = self.metadata(request.now).await?;
                metadata.authorization_endpoint()?
            }
        };
        let pkce = self.wants_pkce(request.now).await;
        let scope = self.connection.scope_with_openid();
        // Kratos: no nonce for other providers than Microsoft; some answer an unknown parameter with an error.
        let mut parts = AuthorizeParts { endpoint, scope, pkce, nonce: false, extra: Vec::new() };
        self.dialect.authorize(config, &mut parts);
        self.connection.authorization(&request, parts)
    }

    async fn exchange(&self, request: ExchangeRequest<'_>) -> Result<SignedIn, ProviderError> {
        let metadata = self.metadata(request.now).await?;
        metadata.check_answer(request.iss, self.dialect.other_issuers())?;
        let methods = metadata.token_endpoint_auth_methods_supported.as_deref();
        let reply = self.connection.redeem(&request, metadata.token_endpoint()?, methods).await?;
        let tokens = reply.tokens;
        let audiences = [self.connection.auth.client_id.as_str()];
        let mut claims = self.verified(id_token_of(&tokens)?, &audiences, request.nonce, request.now).await?;
        let token_sub = claims.sub.clone();
        if self.connection.config.claims_source == ClaimsSource::Userinfo {
            claims = self.userinfo(&tokens, &claims, request.now).await?;
        }
        self.dialect.amend(&mut claims, request.user);
        self.finish(claims, tokens, token_sub)
    }

    async fn verify_id_token(&self, request: IdTokenRequest<'_>) -> Result<SignedIn, ProviderError> {
        let config = &self.connection.config;
        let mut audiences = vec![self.connection.auth.client_id.as_str()];
        audiences.extend(config.additional_id_token_audiences.iter().map(String::as_str));
        let verified = self.verified(request.id_token, &audiences, None, request.now).await;
        let claims = verified.map_err(native::not_verified)?;
        native::check_nonce(&claims, request.nonce, self.dialect.may_lack_nonce(&claims))?;
        let token_sub = claims.sub.clone();
        self.finish(claims, Tokens::default(), token_sub)
    }

    async fn refresh(&self, refresh_token: &SecretString, now: Timestamp) -> Result<Refreshed, ProviderError> {
        let metadata = self.metadata(now).await?;
        let methods = metadata.token_endpoint_auth_methods_supported.as_deref();
        self.connection.refresh_with(refresh_token, metadata.token_endpoint()?, methods, now).await
    }

    async fn sign_out_url(&self, request: SignOutRequest<'_>, now: Timestamp) -> Option<Url> {
        let metadata = self.metadata(now).await.ok()?;
        let mut url = metadata.end_session_endpoint.as_ref()?.url().clone();
        url.query_pairs_mut().append_pair("client_id", &self.connection.auth.client_id);
        crate::sign_out_parameters(&mut url, request);
        Some(url)
    }

    fn sign_in_origin(&self) -> Option<String> {
        Some(Url::parse(self.issuer()).ok()?.origin().ascii_serialization())
    }

    fn metadata_url(&self) -> Option<String> {
        let issuer = self.issuer();
        (!issuer.is_empty()).then(|| metadata_url(issuer))
    }

    async fn warm(&self, now: Timestamp) -> Result<(), ProviderError> {
        let metadata = self.metadata(now).await?;
        self.connection.caches.keys(metadata.jwks_uri()?).current(now).await?;
        Ok(())
    }
}

/// Discovery 4: the closing slash of an issuer is not doubled.
fn metadata_url(issuer: &str) -> String {
    format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'))
}
