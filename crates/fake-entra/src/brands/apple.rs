//! Apple: the client secret is a short ES256 token of the developer, the name comes once and outside the ID token, and
//! asking for name or address demands `form_post`.

use axum::response::Response;
use serde_json::{Map, Value, json};

use crate::authorize_request::Ask;
use crate::client_auth;
use crate::clients::{AppleKey, Client};
use crate::dispatch::Request;
use crate::issue::{self, Grant};
use crate::jwt::Unverified;
use crate::oauth_error::OAuthError;
use crate::party::Party;
use crate::people::Person;
use crate::reply;
use crate::state::Shared;
use crate::token;

const AUDIENCE: &str = "https://appleid.apple.com";
/// Six months in seconds, Apple's limit for a client secret.
const SECRET_LIFETIME_MAX: i64 = 15_777_000;

pub(super) fn discovery(party: &Party) -> Response {
    let root = party.root();
    reply::json(
        200,
        &json!({
            "issuer": root,
            "authorization_endpoint": format!("{root}/auth/authorize"),
            "token_endpoint": format!("{root}/auth/token"),
            "jwks_uri": format!("{root}/auth/keys"),
            "response_types_supported": ["code"],
            "response_modes_supported": ["query", "fragment", "form_post"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "scopes_supported": ["openid", "email", "name"],
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
            "claims_supported": ["aud", "email", "email_verified", "exp", "iat", "is_private_email", "iss", "nonce",
                "nonce_supported", "real_user_status", "sub", "transfer_sub"],
        }),
    )
}

/// The name travels beside the code, as JSON that nobody signed.
pub(super) fn user_parameter(ask: &Ask, person: &Person) -> Option<(&'static str, String)> {
    let asks = |scope: &str| ask.scopes.iter().any(|asked| asked == scope);
    let mut user = Map::new();
    if asks("name") {
        user.insert("name".into(), json!({ "firstName": person.given_name, "lastName": person.family_name }));
    }
    if let (true, Some(email)) = (asks("email"), &person.email) {
        user.insert("email".into(), email.clone().into());
    }
    (!user.is_empty()).then(|| ("user", Value::Object(user).to_string()))
}

pub(super) fn claims(grant: &Grant) -> Map<String, Value> {
    let person = &grant.person;
    let mut claims = Map::new();
    claims.insert(
        "sub".into(),
        format!("{:06}.{}.0001", person.number() % 1_000_000, person.oid.replace('-', "")).into(),
    );
    claims.insert("nonce_supported".into(), true.into());
    if let (true, Some(email)) = (grant.has_scope("email"), &person.email) {
        claims.insert("email".into(), email.clone().into());
        claims.insert("email_verified".into(), json!(person.xms_edov == Some(true)));
        claims.insert("is_private_email".into(), email.ends_with("@privaterelay.appleid.com").into());
    }
    claims
}

pub(super) fn token(shared: &Shared, request: &Request, party: &Party) -> Response {
    let grant = authenticate(shared, request, party).and_then(|client| {
        let mut grant = token::redeem(shared, &request.form, party, &client)?;
        // Apple always gives an ID token, whether `openid` was asked for or not.
        if !grant.has_scope("openid") {
            grant.scopes.push("openid".to_owned());
        }
        Ok(grant)
    });
    match grant {
        Ok(grant) => reply::json(200, &issue::tokens(shared, &grant)),
        Err(refusal) => {
            let status = if refusal.error == "invalid_client" { 401 } else { 400 };
            reply::json(status, &json!({ "error": refusal.error }))
        }
    }
}

fn authenticate(shared: &Shared, request: &Request, party: &Party) -> Result<String, OAuthError> {
    let refused = || OAuthError::client(7000215, "client secret refused");
    let id = request.form.filled("client_id").ok_or_else(refused)?;
    let presented = request.form.filled("client_secret").ok_or_else(refused)?;
    let (client, now) = {
        let state = shared.lock();
        (state.clients.get(id).cloned().ok_or_else(refused)?, state.now())
    };
    let proven = match &client.apple {
        Some(key) => is_signed_secret(presented, &client, key, party, now),
        // Without a registered key a plain secret will do, so that flows can be tried without one.
        None => client_auth::contains(&client.secrets, presented),
    };
    if proven { Ok(client.id) } else { Err(refused()) }
}

fn is_signed_secret(secret: &str, client: &Client, key: &AppleKey, party: &Party, now: i64) -> bool {
    let Some(token) = Unverified::parse(secret) else {
        return false;
    };
    let ends = token.seconds("exp").unwrap_or_default();
    let root = party.root();
    token.header_text("kid") == Some(&key.key_id)
        && token.text("iss") == Some(&key.team_id)
        && token.text("sub") == Some(&client.id)
        && token.audiences().iter().any(|audience| *audience == AUDIENCE || *audience == root)
        && ends > now
        && ends <= now + SECRET_LIFETIME_MAX
        && token.is_signed_by_p256(&key.public_point)
}
