//! Microsoft Entra ID and personal Microsoft accounts: PKCE and nonce always, tenant rules enforced, Graph on wish.

use crate::connection::{AuthorizeParts, Connection, id_token_of};
use crate::discovery::Metadata;
use crate::error::{ProviderError, Step};
use crate::graph;
use crate::id_token::{Expect, Parsed};
use crate::request::{
    Authorization, AuthorizeRequest, ExchangeRequest, Facts, IdTokenRequest, Refreshed, SignOutRequest, SignedIn,
    Tokens,
};
use crate::tenant::{self, Account, Tenants};
use crate::types::SigningAlgorithm;
use crate::{Provider, claims, gate, native};
use async_trait::async_trait;
use bia_config::EmailVerifiedFrom;
use bia_model::{ApiError, Claims, Timestamp};
use secrecy::SecretString;
use serde_json::Value;
use std::sync::Arc;
use url::Url;
use uuid::Uuid;

pub(crate) struct Microsoft {
    connection: Connection,
    tenants: Tenants,
}

impl Microsoft {
    pub(crate) fn new(connection: Connection) -> Self {
        Self { connection, tenants: Tenants::default() }
    }

    /// Entra's addresses follow from tenant and host, so starting a sign-in needs no network.
    fn endpoint(&self, page: &str) -> Result<String, ProviderError> {
        let tenant = self.connection.tenant_segment()?;
        Ok(format!("{}/{tenant}/oauth2/v2.0/{page}", self.connection.authority()))
    }

    async fn metadata(&self, now: Timestamp) -> Result<Arc<Metadata>, ProviderError> {
        self.connection.tenant_metadata(self.connection.tenant_segment()?, now).await
    }

    /// Believes an ID token and decodes its claims; `sub` is still the token's own.
    async fn verified(
        &self,
        token: &str,
        audiences: &[&str],
        nonce: Option<&str>,
        now: Timestamp,
    ) -> Result<(Claims, Account), ProviderError> {
        // Kratos: what is no token at all is a 500, everything after that goes back into the form.
        let parsed = Parsed::new(token).map_err(|why| {
            let text = "The identity provider's answer could not be read: the ID token is malformed.";
            ProviderError::new(Step::IdToken, ApiError::plain(text), why)
        })?;
        let tid = tenant::tenant_id(&parsed.claims)?;
        self.refuse_v1(&parsed)?;
        self.refuse_stand_in(tid, audiences)?;
        let account = Account::new(tid, &parsed.claims);
        let metadata = self.metadata(now).await?;
        self.tenants.check(&self.connection, &metadata, account, now).await?;
        let tid = tid.to_string();
        let issuer = metadata.issuer.replace("{tenantid}", &tid);
        let expect = Expect {
            issuers: &[&issuer],
            audiences,
            // Entra signs ID tokens with RS256 alone; a longer list would only help a forger.
            algorithms: &[SigningAlgorithm::RsaSsaPkcs1V15Sha256],
            jwks_uri: metadata.jwks_uri()?,
            nonce,
            tenant: Some(&tid),
            now,
        };
        // A wrong type is told before a wrong signature would be, because Kratos' answers differ by it.
        if !matches!(parsed.claims.get("sub"), None | Some(Value::String(_) | Value::Null)) {
            return Err(ProviderError::refused(
                Step::Claims,
                "The identity provider's answer could not be read: the subject is not text.",
                "the claim `sub` is not text",
            ));
        }
        parsed.verify(&self.connection.caches, &expect).await?;
        Ok((claims::decode(parsed.claims)?, account))
    }

    /// Tells what consent is missing, where it is consent.
    fn explain_consent(&self, error: ProviderError) -> ProviderError {
        let config = &self.connection.config;
        let base = &self.connection.callback_base;
        let link = crate::consent::admin_consent_url(config, &self.connection.auth.client_id, base, None);
        error.with_consent(&crate::consent::consent_scopes(config), link.as_ref().map(Url::as_str))
    }

    fn refuse_v1(&self, parsed: &Parsed<'_>) -> Result<(), ProviderError> {
        let by_issuer = parsed.text("iss").is_some_and(|iss| iss.starts_with("https://sts.windows.net/"));
        if !by_issuer && parsed.text("ver") != Some("1.0") {
            return Ok(());
        }
        let detail = "Entra issued a v1 token; the v2.0 endpoints issue v2 tokens, so look at authority_host, and at \
                      accessTokenAcceptedVersion (requestedAccessTokenVersion) in the app manifest when a submitted token is meant";
        let reason = "The identity provider's answer was not accepted: it is a token of an old version.";
        Err(ProviderError::refused(Step::IdToken, reason, detail).with_config_key("microsoft.authority_host"))
    }

    /// The stand-in's keys are public: outside `bia dev` its tokens prove nothing, whatever host served them.
    fn refuse_stand_in(&self, tid: Uuid, audiences: &[&str]) -> Result<(), ProviderError> {
        let reserved = tid == crate::STAND_IN_TENANT_ID || audiences.contains(&crate::STAND_IN_CLIENT_ID);
        if !reserved || self.connection.stand_in_allowed {
            return Ok(());
        }
        let reason = "The identity provider's answer was not accepted: it comes from a test stand-in.";
        Err(ProviderError::refused(Step::Policy, reason, "the stand-in's client and tenant are for `bia dev` alone"))
    }

    /// Graph's part, the subject, the gates, the facts.
    async fn complete(
        &self,
        mut claims: Claims,
        tokens: Tokens,
        account: Account,
        step_up: Option<&str>,
    ) -> Result<SignedIn, ProviderError> {
        let token_sub = claims.sub.clone();
        let groups_missing = graph::enrich(&self.connection, &mut claims, &tokens, account).await?;
        let tid = account.tenant.to_string();
        claims::apply_subject_source(&mut claims, self.connection.config.subject_source, &tid);
        let facts = Facts {
            email_proven: self.proves_email(&claims, account),
            object_id: Some(claims.oid.to_lowercase()).filter(|oid| !oid.is_empty()),
            tenant_id: Some(tid),
            token_sub,
            guest: account.guest,
            personal: account.is_personal(),
            groups_missing,
            ..Facts::default()
        };
        let signed_in = self.connection.finish(claims, tokens, facts)?;
        gate::check(&self.connection.config, &signed_in)?;
        gate::check_step_up(step_up, &signed_in.facts)?;
        Ok(signed_in)
    }

    /// Design §3. Without proof an address says nothing: anybody can write any address into an own tenant (nOAuth).
    fn proves_email(&self, claims: &Claims, account: Account) -> bool {
        if claims.email.is_empty() {
            return false;
        }
        let microsoft = &self.connection.config.microsoft;
        match microsoft.email_verified_from {
            EmailVerifiedFrom::None => false,
            EmailVerifiedFrom::XmsEdov => {
                let edov = claims.raw_claims.get("xms_edov");
                let said_no = claims.raw_claims.get("email_verified").is_some_and(|v| v == false || v == "false");
                !said_no && edov.is_some_and(|v| v == true || v == 1 || v == "1")
            }
            EmailVerifiedFrom::Tenant => {
                let member = !account.is_personal() && account.guest == Some(false);
                let tid = account.tenant.to_string();
                let domains = microsoft.trusted_domains.iter().filter(|(id, _)| id.eq_ignore_ascii_case(&tid));
                let domain = claims.email.rsplit_once('@').map(|(_, domain)| domain).unwrap_or_default();
                member && domains.flat_map(|(_, list)| list).any(|d| d.eq_ignore_ascii_case(domain))
            }
        }
    }
}

#[async_trait]
impl Provider for Microsoft {
    fn config(&self) -> &bia_config::OidcProvider {
        &self.connection.config
    }

    async fn authorize(&self, request: AuthorizeRequest<'_>) -> Result<Authorization, ProviderError> {
        let endpoint = self.endpoint("authorize")?;
        let scope = self.connection.scope_with_openid();
        let parts = AuthorizeParts { endpoint: &endpoint, scope, pkce: true, nonce: true, extra: Vec::new() };
        self.connection.authorization(&request, parts)
    }

    async fn exchange(&self, request: ExchangeRequest<'_>) -> Result<SignedIn, ProviderError> {
        // Entra neither names itself today nor promises to; where an answer names somebody, it has to be the right one.
        self.metadata(request.now).await?.check_answer(request.iss, &[])?;
        let reply = self.connection.redeem(&request, &self.endpoint("token")?, None).await;
        let reply = reply.map_err(|error| self.explain_consent(error))?;
        let audiences = [self.connection.auth.client_id.as_str()];
        let (claims, account) =
            self.verified(id_token_of(&reply.tokens)?, &audiences, request.nonce, request.now).await?;
        self.complete(claims, reply.tokens, account, request.step_up).await
    }

    async fn verify_id_token(&self, request: IdTokenRequest<'_>) -> Result<SignedIn, ProviderError> {
        let config = &self.connection.config;
        let mut audiences = vec![self.connection.auth.client_id.as_str()];
        audiences.extend(config.additional_id_token_audiences.iter().map(String::as_str));
        let verified = self.verified(request.id_token, &audiences, None, request.now).await;
        let (claims, account) = verified.map_err(native::not_verified)?;
        native::check_nonce(&claims, request.nonce, false)?;
        self.complete(claims, Tokens::default(), account, None).await
    }

    async fn refresh(&self, refresh_token: &SecretString, now: Timestamp) -> Result<Refreshed, ProviderError> {
        self.connection.refresh_with(refresh_token, &self.endpoint("token")?, None, now).await
    }

    async fn sign_out_url(&self, request: SignOutRequest<'_>, _: Timestamp) -> Option<Url> {
        let mut url = Url::parse(&self.endpoint("logout").ok()?).ok()?;
        crate::sign_out_parameters(&mut url, request);
        Some(url)
    }

    fn sign_in_origin(&self) -> Option<String> {
        Some(Url::parse(self.connection.authority()).ok()?.origin().ascii_serialization())
    }

    fn denied(&self, error: &str, description: Option<&str>) -> ProviderError {
        self.explain_consent(ProviderError::denied(error, description))
    }

    fn metadata_url(&self) -> Option<String> {
        Some(self.connection.metadata_url(self.connection.tenant_segment().ok()?))
    }

    async fn warm(&self, now: Timestamp) -> Result<(), ProviderError> {
        let metadata = self.metadata(now).await?;
        self.connection.caches.keys(metadata.jwks_uri()?).current(now).await?;
        Ok(())
    }
}
