//! The token endpoint: codes and refresh tokens against tokens.

use axum::response::Response;
use http::HeaderName;
use ring::digest::{SHA256, digest};

use crate::client_auth;
use crate::dispatch::Request;
use crate::issue::{Challenge, Grant};
use crate::oauth_error::OAuthError;
use crate::params::Params;
use crate::party::Party;
use crate::state::Shared;
use crate::{issue, jwt, reply};

const CODE_LIFETIME: i64 = 600;

/// `address` is the token endpoint as the caller named it: the audience of client assertions.
pub(crate) fn answer(shared: &Shared, request: &Request, party: &Party, address: &str) -> Response {
    let entra = party.is_entra();
    if !request.is_post() {
        let text = "The endpoint only accepts POST requests. Received a GET request.";
        return OAuthError::new(400, "invalid_request", 900561, text).answer(entra, shared.now());
    }
    let outcome = client_auth::authenticate(shared, request, party, address)
        .and_then(|client| exchange(shared, &request.form, party, &client));
    match outcome {
        Ok(grant) => {
            let response = reply::json(200, &issue::tokens(shared, &grant));
            reply::with_header(response, HeaderName::from_static("pragma"), "no-cache")
        }
        Err(refusal) => refusal.answer(entra, shared.now()),
    }
}

fn exchange(shared: &Shared, form: &Params, party: &Party, client: &str) -> Result<Grant, OAuthError> {
    match form.get("grant_type") {
        Some("authorization_code") => redeem(shared, form, party, client),
        Some("refresh_token") => refresh(shared, form, party, client),
        None | Some("") => Err(OAuthError::missing_parameter("grant_type")),
        Some(other) => {
            let text = format!("The app requested an unsupported grant type '{other}'.");
            Err(OAuthError::new(400, "unsupported_grant_type", 70003, text))
        }
    }
}

/// A code is good once, for its client, its redirect URI and its verifier, for ten minutes.
pub(crate) fn redeem(shared: &Shared, form: &Params, party: &Party, client: &str) -> Result<Grant, OAuthError> {
    let invalid = || OAuthError::grant(70000, "Provided grant is invalid or malformed.");
    let code = form.filled("code").ok_or_else(|| OAuthError::missing_parameter("code"))?;
    let mut state = shared.lock();
    let now = state.now();
    let code = state
        .codes
        .get_mut(code)
        .ok_or_else(|| OAuthError::grant(9002313, "Invalid request. Request is malformed or invalid."))?;
    if code.used {
        let text = "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an \
                    existing refresh token.";
        return Err(OAuthError::grant(54005, text));
    }
    if code.grant.client != client || !code.grant.party.is_same_as(party) {
        return Err(invalid());
    }
    if now - code.at > CODE_LIFETIME {
        let text = "The provided authorization code or refresh token has expired due to inactivity. Send a new \
                    interactive authorization request for this user and resource.";
        return Err(OAuthError::grant(70008, text));
    }
    if form.get("redirect_uri") != Some(&code.redirect_uri) {
        let text = format!(
            "The reply address '{}' does not match the reply address '{}' provided when requesting Authorization code.",
            form.get("redirect_uri").unwrap_or_default(),
            code.redirect_uri
        );
        return Err(OAuthError::new(400, "invalid_client", 500112, text));
    }
    if let Some(challenge) = &code.challenge
        && !fits(challenge, form.get("code_verifier").unwrap_or_default())
    {
        let text = "The Code_Verifier does not match the code_challenge supplied in the authorization request.";
        return Err(OAuthError::grant(501481, text));
    }
    // RFC 9700, 4.8.2: somebody took the challenge out on the way.
    if code.challenge.is_none() && form.filled("code_verifier").is_some() {
        let text = "The Code_Verifier was supplied, but the authorization request had no code_challenge.";
        return Err(OAuthError::grant(501481, text));
    }
    code.used = true;
    Ok(code.grant.clone())
}

fn fits(challenge: &Challenge, verifier: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    if !(43..=128).contains(&verifier.len()) || !verifier.bytes().all(allowed) {
        return false;
    }
    if challenge.is_s256 {
        jwt::encode(digest(&SHA256, verifier.as_bytes()).as_ref()) == challenge.value
    } else {
        verifier == challenge.value
    }
}

/// The person's data of today, without the nonce of back then.
fn refresh(shared: &Shared, form: &Params, party: &Party, client: &str) -> Result<Grant, OAuthError> {
    let token = form.filled("refresh_token").ok_or_else(|| OAuthError::missing_parameter("refresh_token"))?;
    let state = shared.lock();
    let grant = state
        .refresh_tokens
        .get(token)
        .filter(|grant| grant.client == client && grant.party.is_same_as(party))
        .ok_or_else(|| OAuthError::grant(9002313, "Invalid request. Request is malformed or invalid."))?;
    let person = state.person(&grant.person.key).unwrap_or_else(|| grant.person.clone());
    if person.disabled {
        return Err(OAuthError::grant(50057, "The user account is disabled."));
    }
    if state.is_revoked(grant) {
        let text = "The provided grant has expired due to it being revoked, a fresh auth token is needed. The user \
                    might have changed or reset their password.";
        return Err(OAuthError::grant(50173, text));
    }
    Ok(Grant { person, nonce: None, party: party.clone(), ..grant.clone() })
}
