//! Login for an OAuth2 server (Ory Hydra): a `login_challenge` is fetched, and accepted once somebody signed in.

use crate::context::InitQuery;
use crate::deps::Deps;
use bia_model::{ApiError, Session};
use reqwest::Method;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

/// A login request of the OAuth2 server.
#[derive(Clone, Debug)]
pub(crate) struct LoginRequest {
    pub(crate) challenge: String,
    /// The request as the server gave it, shown inside flows.
    pub(crate) body: Value,
}

impl LoginRequest {
    /// The server already knows the person and asks for no new login.
    pub(crate) fn skip(&self) -> bool {
        self.body["skip"].as_bool().unwrap_or(false)
    }

    pub(crate) fn request_url(&self) -> Option<&str> {
        self.body["request_url"].as_str().filter(|url| !url.is_empty())
    }
}

/// The challenge of a query, checked but not fetched.
///
/// # Errors
/// 500 `invalid_configuration` when `oauth2_provider.url` is unset, 400 when the parameter is empty.
pub(crate) fn challenge(deps: &Deps, query: &InitQuery) -> Result<Option<String>, ApiError> {
    let Some(challenge) = query.get("login_challenge") else {
        return Ok(None);
    };
    if deps.config.oauth2_provider.url.is_none() {
        return Err(ApiError::invalid_configuration(
            "refusing to parse login_challenge query parameter because oauth2_provider.url is invalid or unset",
        ));
    }
    if challenge.is_empty() {
        return Err(ApiError::bad_request("the login_challenge parameter is present but empty"));
    }
    Ok(Some(challenge.to_owned()))
}

/// Fetches the login request behind a challenge.
///
/// # Errors
/// 400 for a challenge that the server refuses, 500 when it can't be reached.
pub(crate) async fn get_login_request(deps: &Deps, challenge: &str) -> Result<LoginRequest, ApiError> {
    let failed = |code| ApiError::new(code).with_reason("Unable to get OAuth 2.0 Login Challenge.");
    let answer = call(deps, Method::GET, "", challenge, None).await.map_err(|()| failed(500))?;
    match answer {
        (200..=299, body) => Ok(LoginRequest { challenge: challenge.to_owned(), body }),
        (status, _) => {
            let error = failed(if status >= 500 { 500 } else { 400 });
            Err(error.with_detail("status_code", status))
        }
    }
}

/// Tells the OAuth2 server who signed in; answers where to send the browser.
///
/// # Errors
/// 500 when the server refuses or can't be reached.
pub(crate) async fn accept(deps: &Deps, challenge: &str, session: &Session) -> Result<String, ApiError> {
    let failed = || ApiError::internal("Unable to accept OAuth 2.0 Login Challenge.");
    let amr: Vec<&str> = session.authentication_methods.iter().map(|method| method.method.as_str()).collect();
    let body = json!({
        "subject": session.identity_id,
        "identity_provider_session_id": session.id,
        "remember": deps.config.session.cookie.persistent,
        "remember_for": deps.config.session.lifespan.as_secs(),
        "amr": amr,
    });
    let (status, answer) = call(deps, Method::PUT, "/accept", challenge, Some(body)).await.map_err(|()| failed())?;
    match answer["redirect_to"].as_str() {
        Some(to) if (200..300).contains(&status) => Ok(to.to_owned()),
        _ => Err(failed().with_detail("status_code", status)),
    }
}

async fn call(
    deps: &Deps,
    method: Method,
    path: &str,
    challenge: &str,
    body: Option<Value>,
) -> Result<(u16, Value), ()> {
    let base = deps.config.oauth2_provider.url.as_deref().unwrap_or_default().trim_end_matches('/');
    let mut url = url::Url::parse(&format!("{base}/admin/oauth2/auth/requests/login{path}")).map_err(|_| ())?;
    url.query_pairs_mut().append_pair("login_challenge", challenge);
    let mut call = deps.outbound.call(method, &url).purpose("oauth2").retries(1);
    for (name, value) in &deps.config.oauth2_provider.headers {
        call = call.header(name, value.expose_secret());
    }
    if let Some(body) = &body {
        call = call.json(body);
    }
    let answer = call.send().await.map_err(|error| tracing::error!(%error, "the OAuth2 server did not answer"))?;
    Ok((answer.status, answer.json().unwrap_or(Value::Null)))
}
