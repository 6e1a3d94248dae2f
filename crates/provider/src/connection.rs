//! What every provider shares: its configuration, the authorization URL, and redeeming a code.

use crate::claims;
use crate::client_auth::ClientAuth;
use crate::discovery::Caches;
use crate::error::{ProviderError, Step};
use crate::redirect;
use crate::request::{Authorization, AuthorizeRequest, ExchangeRequest, Facts, Refreshed, SignedIn, Tokens};
use crate::token::{TokenEndpoint, TokenReply};
use crate::types::{Nonce, PkceCodeChallenge};
use bia_config::{OidcProvider, ResponseMode};
use bia_model::{ApiError, Claims, Timestamp};
use bia_outbound::Outbound;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use url::Url;

/// Kratos forwards these four from a client and drops the rest without a word.
const CLIENT_PARAMETERS: [&str; 4] = ["hd", "prompt", "auth_type", "acr_values"];
/// The protocol's own names: neither a client nor `upstream_parameters` may set them, since they decide which
/// application signs in and where the code goes.
const PROTOCOL_PARAMETERS: [&str; 13] = [
    "client_id",
    "client_secret",
    "redirect_uri",
    "response_type",
    "response_mode",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "claims",
    "request",
    "request_uri",
];

pub(crate) struct Connection {
    pub(crate) config: OidcProvider,
    pub(crate) auth: Arc<ClientAuth>,
    pub(crate) caches: Arc<Caches>,
    pub(crate) outbound: Outbound,
    pub(crate) callback_base: Url,
    /// `bia dev` alone may believe the stand-in's reserved client and tenant.
    pub(crate) stand_in_allowed: bool,
}

/// What differs between providers in an authorization URL.
pub(crate) struct AuthorizeParts<'a> {
    pub(crate) endpoint: &'a str,
    pub(crate) scope: Vec<&'a str>,
    pub(crate) pkce: bool,
    pub(crate) nonce: bool,
    pub(crate) extra: Vec<(&'a str, &'a str)>,
}

impl Connection {
    /// Configured order, `openid` appended when missing (contract §3.4).
    pub(crate) fn scope_with_openid(&self) -> Vec<&str> {
        let mut scope: Vec<&str> = self.config.scope.iter().map(String::as_str).collect();
        if !scope.contains(&"openid") {
            scope.push("openid");
        }
        scope
    }

    pub(crate) fn authorization(
        &self,
        request: &AuthorizeRequest<'_>,
        parts: AuthorizeParts<'_>,
    ) -> Result<Authorization, ProviderError> {
        let mut url = Url::parse(parts.endpoint).map_err(|_| {
            let api = ApiError::invalid_configuration("The authorization endpoint of the provider is not a URL.");
            ProviderError::new(Step::Authorize, api, "the authorization endpoint is not a URL")
                .with_config_key("auth_url")
        })?;
        let base = redirect::base_for_host(&self.config, &self.callback_base, request.host);
        let redirect_uri = redirect::redirect_uri(&self.config, &base);
        let mut query = Parameters::default();
        query.set("client_id", &self.auth.client_id);
        query.set("redirect_uri", &redirect_uri);
        query.set("response_type", "code");
        query.set("scope", &parts.scope.join(" "));
        query.set("state", request.state);
        let pkce = parts.pkce.then(PkceCodeChallenge::new_random_sha256);
        if let Some((challenge, _)) = &pkce {
            query.set("code_challenge", challenge.as_str());
            query.set("code_challenge_method", "S256");
        }
        let nonce = parts.nonce.then(Nonce::new_random);
        if let Some(nonce) = &nonce {
            query.set("nonce", nonce.secret());
        }
        for (name, value) in parts.extra {
            query.set(name, value);
        }
        self.add_options(&mut query, request)?;
        url.query_pairs_mut().extend_pairs(query.0);
        let pkce_verifier = pkce.map(|(_, verifier)| verifier.into_secret());
        Ok(Authorization { url, redirect_uri, pkce_verifier, nonce: nonce.map(|n| n.secret().clone()) })
    }

    /// Operator's parameters, then refresh, then the client's: later ones win, as in Kratos.
    fn add_options(&self, query: &mut Parameters, request: &AuthorizeRequest<'_>) -> Result<(), ProviderError> {
        if self.config.response_mode == ResponseMode::FormPost {
            query.set("response_mode", "form_post");
        }
        for (name, value) in &self.config.upstream_parameters {
            query.set_option(name, value);
        }
        for (name, value) in [("login_hint", request.login_hint), ("domain_hint", request.domain_hint)] {
            if let Some(value) = value {
                query.set(name, value);
            }
        }
        if request.refresh {
            query.set("prompt", "login");
        }
        if let Some(claims) = self.requested_claims(request)? {
            query.set("claims", &claims);
        }
        for (name, value) in request.upstream_parameters {
            let allowed = CLIENT_PARAMETERS.contains(&name.as_str()) || self.config.allowed_hints.contains(name);
            if allowed {
                query.set_option(name, value);
            }
        }
        Ok(())
    }

    /// `requested_claims`, with a step-up's context and a challenge's claims laid over it.
    fn requested_claims(&self, request: &AuthorizeRequest<'_>) -> Result<Option<String>, ProviderError> {
        let mut claims = self.config.requested_claims.clone().unwrap_or(Value::Null);
        if let Some(challenge) = request.claims_challenge {
            let challenge = serde_json::from_str::<Map<String, Value>>(challenge).map_err(|_| {
                ProviderError::refused(
                    Step::Authorize,
                    "The claims challenge is not valid.",
                    "a claims challenge is no JSON object",
                )
            })?;
            merge(&mut claims, Value::Object(challenge));
        }
        if let Some(context) = request.step_up {
            merge(&mut claims, json!({ "id_token": { "acrs": { "essential": true, "value": context } } }));
        }
        let empty = claims.is_null() || claims.as_object().is_some_and(Map::is_empty);
        Ok((!empty).then(|| sorted(&claims).to_string()))
    }

    pub(crate) fn token_endpoint<'a>(&'a self, url: &'a str, methods: Option<&'a [String]>) -> TokenEndpoint<'a> {
        TokenEndpoint { outbound: &self.outbound, url, auth: &self.auth, methods }
    }

    /// Redeems the code, with the verifier when the start sent a challenge.
    pub(crate) async fn redeem(
        &self,
        request: &ExchangeRequest<'_>,
        url: &str,
        methods: Option<&[String]>,
    ) -> Result<TokenReply, ProviderError> {
        let mut grant =
            vec![("grant_type", "authorization_code"), ("code", request.code), ("redirect_uri", request.redirect_uri)];
        if let Some(verifier) = request.pkce_verifier {
            grant.push(("code_verifier", verifier));
        }
        self.token_endpoint(url, methods).request(Step::TokenExchange, &grant, request.now).await
    }

    pub(crate) async fn refresh_with(
        &self,
        refresh_token: &SecretString,
        url: &str,
        methods: Option<&[String]>,
        now: Timestamp,
    ) -> Result<Refreshed, ProviderError> {
        let grant = [("grant_type", "refresh_token"), ("refresh_token", refresh_token.expose_secret())];
        let mut reply = self.token_endpoint(url, methods).request(Step::Refresh, &grant, now).await?;
        reply.tokens.refresh.get_or_insert_with(|| refresh_token.clone());
        Ok(Refreshed { tokens: reply.tokens })
    }

    /// Adds the facts that any provider can state, and makes sure that there is a subject.
    pub(crate) fn finish(&self, claims: Claims, tokens: Tokens, facts: Facts) -> Result<SignedIn, ProviderError> {
        let claims = claims::validate(claims)?;
        let config = &self.config;
        let acrs = match claims.raw_claims.get("acrs") {
            Some(Value::String(one)) => vec![one.clone()],
            Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            _ => Vec::new(),
        };
        // Kratos: an empty `acr` never matches, even when the list holds an empty text.
        let by_acr = !claims.acr.is_empty() && config.aal2_acr_values.contains(&claims.acr);
        let by_amr = claims.amr.iter().any(|amr| config.aal2_amr_values.contains(amr));
        let by_context = config.microsoft.step_up_context.as_ref().is_some_and(|c| acrs.contains(c));
        let text = |name: &str| claims.raw_str(name).filter(|t| !t.is_empty()).map(str::to_owned);
        let facts = Facts {
            sid: text("sid"),
            login_hint: text("login_hint"),
            acr: Some(claims.acr.clone()).filter(|acr| !acr.is_empty()),
            amr: claims.amr.clone(),
            second_factor: by_acr || by_amr || by_context,
            acrs,
            ..facts
        };
        Ok(SignedIn { claims, tokens, facts })
    }
}

/// A true `email_verified` with an address is the proof of every provider but Microsoft.
pub(crate) fn email_verified(claims: &Claims) -> bool {
    claims.email_verified && !claims.email.is_empty()
}

/// Kratos: checked before anything else, and shown in the form.
pub(crate) fn id_token_of(tokens: &Tokens) -> Result<&str, ProviderError> {
    tokens.id.as_ref().map(|t| t.expose_secret()).ok_or_else(|| {
        let reason = "Authentication failed because no id_token was returned. Please accept the \"openid\" permission and try again.";
        let api = ApiError::bad_request(reason).with_message("authentication failed because id_token is missing");
        ProviderError::new(Step::IdToken, api, "the token answer has no id_token; is the scope `openid` granted?")
            .with_config_key("scope")
    })
}

/// Parameters in order; setting one again replaces it.
#[derive(Default)]
struct Parameters(Vec<(String, String)>);

impl Parameters {
    fn set(&mut self, name: &str, value: &str) {
        self.0.retain(|(known, _)| known != name);
        self.0.push((name.to_owned(), value.to_owned()));
    }

    fn set_option(&mut self, name: &str, value: &str) {
        if !PROTOCOL_PARAMETERS.contains(&name) {
            self.set(name, value);
        }
    }
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (name, value) in from {
                merge(into.entry(name).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}

/// Kratos writes the object with its keys in order, and the URL is compared as text.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut names: Vec<_> = map.keys().collect();
            names.sort();
            names.into_iter().map(|name| (name.clone(), sorted(&map[name]))).collect()
        }
        Value::Array(list) => list.iter().map(sorted).collect(),
        other => other.clone(),
    }
}
