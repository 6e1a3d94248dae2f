//! Reading an authorization request: first whom an answer may go to, then what is asked.

use axum::response::Response;
use serde_json::Value;
use url::Url;

use crate::clients::Client;
use crate::issue::Challenge;
use crate::oauth_error::OAuthError;
use crate::pages;
use crate::params::Params;
use crate::party::{Party, PartyKind};
use crate::reply;
use crate::state::Shared;

/// An application and an address of it that was checked. Errors before this point are shown, never redirected:
/// otherwise the endpoint would be an open redirector.
pub(crate) struct Target {
    pub(crate) client: Client,
    pub(crate) redirect_uri: String,
    entra: bool,
    state: Option<String>,
    mode: Mode,
}

#[derive(Clone, Copy, PartialEq)]
enum Mode {
    Query,
    Fragment,
    FormPost,
}

impl Target {
    pub(crate) fn of(shared: &Shared, party: &Party, parameters: &Params) -> Result<Target, OAuthError> {
        let id = parameters.filled("client_id").ok_or_else(|| OAuthError::missing_parameter("client_id"))?;
        let client = shared.lock().clients.get(id).cloned().ok_or_else(|| OAuthError::unknown_client(id))?;
        let redirect_uri = parameters.get("redirect_uri").unwrap_or_default();
        if !is_registered(shared, &client, redirect_uri) {
            let text = format!(
                "The redirect URI '{redirect_uri}' specified in the request does not match the redirect URIs \
                 configured for the application '{id}'."
            );
            return Err(OAuthError::new(400, "invalid_request", 50011, text));
        }
        let mode = match parameters.get("response_mode") {
            Some("form_post") => Mode::FormPost,
            Some("fragment") => Mode::Fragment,
            _ => Mode::Query,
        };
        let state = parameters.get("state").map(str::to_owned);
        Ok(Target { client, redirect_uri: redirect_uri.to_owned(), entra: party.is_entra(), state, mode })
    }

    pub(crate) fn is_form_post(&self) -> bool {
        self.mode == Mode::FormPost
    }

    pub(crate) fn refuse(&self, error: &OAuthError) -> Response {
        self.answer(error.redirect_parameters(self.entra))
    }

    pub(crate) fn answer(&self, mut parameters: Vec<(&'static str, String)>) -> Response {
        if let Some(state) = &self.state {
            parameters.push(("state", state.clone()));
        }
        // The address was parsed before; an empty page would be the answer to a bug here.
        let Ok(mut url) = Url::parse(&self.redirect_uri) else {
            return reply::not_found();
        };
        match self.mode {
            Mode::FormPost => return pages::form_post(&self.redirect_uri, &parameters),
            Mode::Query => {
                url.query_pairs_mut().extend_pairs(&parameters);
            }
            Mode::Fragment => {
                let text = form_urlencoded::Serializer::new(String::new()).extend_pairs(&parameters).finish();
                url.set_fragment(Some(&text));
            }
        }
        reply::redirect(url.as_str())
    }
}

/// The steering list first, then the application's own, then every loopback or https address with Kratos' callback.
pub(crate) fn is_registered(shared: &Shared, client: &Client, uri: &str) -> bool {
    let Ok(url) = Url::parse(uri) else {
        return false;
    };
    if let Some(allowed) = shared.lock().settings.redirect_uris.as_ref().or(client.redirect_uris.as_ref()) {
        return allowed.iter().any(|known| known == uri);
    }
    let loopback = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
    (loopback || url.scheme() == "https")
        && url.fragment().is_none()
        && url.path().contains("/self-service/methods/oidc/callback")
}

/// What is asked for, once it is known whom to answer.
pub(crate) struct Ask {
    pub(crate) scopes: Vec<String>,
    pub(crate) nonce: Option<String>,
    pub(crate) challenge: Option<Challenge>,
    pub(crate) prompt: Option<String>,
    pub(crate) acrs: Vec<String>,
    pub(crate) wants_auth_time: bool,
}

impl Ask {
    pub(crate) fn read(party: &Party, parameters: &Params) -> Result<Ask, OAuthError> {
        check_response_type(party, parameters)?;
        let scopes = parameters.words("scope");
        if party.kind != PartyKind::Github {
            if scopes.is_empty() && party.kind != PartyKind::Apple {
                return Err(OAuthError::missing_parameter("scope"));
            }
            let needs_openid = !matches!(party.kind, PartyKind::Gitlab | PartyKind::Apple);
            if needs_openid && !scopes.iter().any(|scope| scope == "openid") {
                let text = "The provided value for the input parameter scope is not valid.";
                return Err(OAuthError::new(400, "invalid_request", 70011, text));
            }
        }
        if party.is_entra() && scopes.iter().any(|scope| scope == "groups") {
            let text = "The application asked for scope 'groups' that doesn't exist on the resource.";
            return Err(OAuthError::new(400, "invalid_client", 650053, text));
        }
        let requested = RequestedClaims::parse(parameters.filled("claims"))?;
        Ok(Ask {
            scopes,
            nonce: parameters.filled("nonce").map(str::to_owned),
            challenge: challenge(parameters)?,
            prompt: parameters.filled("prompt").map(str::to_owned),
            acrs: requested.acrs,
            wants_auth_time: requested.auth_time
                || parameters.get("max_age").is_some()
                || parameters.get("prompt") == Some("login"),
        })
    }
}

fn check_response_type(party: &Party, parameters: &Params) -> Result<(), OAuthError> {
    match (party.kind, parameters.get("response_type")) {
        // GitHub knows no other and does not ask for the parameter.
        (PartyKind::Github, _) | (_, Some("code")) => Ok(()),
        (PartyKind::Apple, Some("code id_token" | "id_token code")) => Ok(()),
        (_, Some(kind)) if kind.split(' ').any(|part| part == "id_token") => {
            let text = "response_type 'id_token' is not enabled for the application.";
            Err(OAuthError::new(400, "unsupported_response_type", 700054, text))
        }
        _ => {
            let text = "The provided value for the input parameter 'response_type' is not allowed for this client.";
            Err(OAuthError::new(400, "unsupported_response_type", 70005, text))
        }
    }
}

fn challenge(parameters: &Params) -> Result<Option<Challenge>, OAuthError> {
    let method = parameters.get("code_challenge_method");
    let Some(value) = parameters.filled("code_challenge") else {
        return match method {
            Some(_) => Err(OAuthError::new(400, "invalid_request", 501481, "The Code_Challenge parameter is missing.")),
            None => Ok(None),
        };
    };
    let is_s256 = match method.unwrap_or("plain") {
        "S256" => true,
        "plain" => false,
        _ => return Err(invalid_challenge()),
    };
    // RFC 7636: 43 to 128 characters, and a SHA-256 is 43.
    if (is_s256 && value.len() != 43) || !(43..=128).contains(&value.len()) {
        return Err(invalid_challenge());
    }
    Ok(Some(Challenge { value: value.to_owned(), is_s256 }))
}

fn invalid_challenge() -> OAuthError {
    OAuthError::new(400, "invalid_request", 501491, "Invalid size or method of Code_Challenge parameter.")
}

#[derive(Default)]
struct RequestedClaims {
    acrs: Vec<String>,
    auth_time: bool,
}

impl RequestedClaims {
    /// The `claims` parameter: contexts may be asked for in the ID token (step-up) or, after a claims challenge, in the
    /// access token.
    fn parse(parameter: Option<&str>) -> Result<RequestedClaims, OAuthError> {
        let mut requested = RequestedClaims::default();
        let Some(parameter) = parameter else {
            return Ok(requested);
        };
        let parsed: Value = serde_json::from_str(parameter).map_err(|_| OAuthError::malformed())?;
        if !parsed.is_object() {
            return Err(OAuthError::malformed());
        }
        for part in ["id_token", "access_token"] {
            let acrs = &parsed[part]["acrs"];
            let values = acrs["values"].as_array().into_iter().flatten().chain([&acrs["value"]]);
            for value in values.filter_map(Value::as_str) {
                if !requested.acrs.iter().any(|known| known == value) {
                    requested.acrs.push(value.to_owned());
                }
            }
        }
        requested.auth_time = parsed["id_token"].get("auth_time").is_some();
        Ok(requested)
    }
}
