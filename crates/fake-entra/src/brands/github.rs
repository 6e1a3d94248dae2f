//! GitHub: OAuth 2.0 without OpenID Connect. Errors of the token endpoint come with status 200, answers are form-encoded
//! unless JSON is asked for, and private addresses are on a page of their own.

use axum::response::Response;
use http::HeaderName;
use http::header::ACCEPT;
use serde_json::{Map, Value, json};

use crate::client_auth;
use crate::dispatch::Request;
use crate::issue::{self, Grant};
use crate::party::Party;
use crate::reply;
use crate::state::Shared;
use crate::token;

pub(super) fn token(shared: &Shared, request: &Request, party: &Party) -> Response {
    let wants_json = request.header(ACCEPT).is_some_and(|accept| accept.contains("application/json"));
    let answer = |pairs: &[(&str, &str)]| {
        if wants_json {
            let members: Map<String, Value> =
                pairs.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
            reply::json(200, &Value::Object(members))
        } else {
            reply::form(200, pairs)
        }
    };
    let refuse = |error: &str, text: &str| answer(&[("error", error), ("error_description", text)]);
    let Ok(client) = client_auth::authenticate(shared, request, party, "") else {
        return refuse("incorrect_client_credentials", "The client_id and/or client_secret passed are incorrect.");
    };
    match token::redeem(shared, &request.form, party, &client) {
        Ok(grant) => {
            let access_token = issue::access_token(shared, &grant);
            // GitHub separates granted scopes by commas.
            let scope = grant.scopes.join(",");
            answer(&[("access_token", &access_token), ("scope", &scope), ("token_type", "bearer")])
        }
        Err(refusal) if refusal.code == 500112 => refuse(
            "redirect_uri_mismatch",
            "The redirect_uri MUST match the registered callback URL for this application.",
        ),
        Err(_) => refuse("bad_verification_code", "The code passed is incorrect or expired."),
    }
}

pub(super) fn bad_credentials() -> Response {
    reply::json(401, &json!({ "message": "Bad credentials", "documentation_url": "https://docs.github.com/rest" }))
}

/// The address is public for Alice only; everybody else keeps it to `/user/emails`.
pub(super) fn user(shared: &Shared, grant: &Grant) -> Response {
    let person = &grant.person;
    let public_email = person.email.as_ref().filter(|_| person.key == "alice");
    let mut user = Map::new();
    user.insert("login".into(), person.key.clone().into());
    user.insert("id".into(), person.number().into());
    user.insert("node_id".into(), format!("U_{}", person.number()).into());
    user.insert("avatar_url".into(), format!("https://avatars.githubusercontent.example/u/{}", person.number()).into());
    user.insert("html_url".into(), format!("https://github.example/{}", person.key).into());
    user.insert("type".into(), "User".into());
    user.insert("site_admin".into(), false.into());
    user.insert("name".into(), person.name.clone().into());
    user.insert("company".into(), Value::Null);
    user.insert("blog".into(), "".into());
    user.insert("location".into(), Value::Null);
    user.insert("email".into(), json!(public_email));
    user.insert("bio".into(), Value::Null);
    user.insert("created_at".into(), "2015-06-01T12:00:00Z".into());
    user.insert("updated_at".into(), "2026-01-01T12:00:00Z".into());
    user.extend(shared.lock().settings.userinfo.clone());
    with_scopes(reply::json(200, &Value::Object(user)), grant)
}

/// `user:email` or `user`, otherwise 404 as GitHub hides what one may not see.
pub(super) fn emails(grant: &Grant) -> Response {
    if !grant.has_scope("user:email") && !grant.has_scope("user") {
        return with_scopes(reply::json(404, &json!({ "message": "Not Found" })), grant);
    }
    let person = &grant.person;
    let mut emails = Vec::new();
    if let Some(email) = &person.email {
        let verified = person.xms_edov == Some(true);
        emails.push(json!({ "email": email, "primary": true, "verified": verified, "visibility": "private" }));
    }
    let hidden = format!("{}+{}@users.noreply.github.example", person.number(), person.key);
    emails.push(json!({ "email": hidden, "primary": emails.is_empty(), "verified": true, "visibility": null }));
    with_scopes(reply::json(200, &Value::Array(emails)), grant)
}

fn with_scopes(response: Response, grant: &Grant) -> Response {
    reply::with_header(response, HeaderName::from_static("x-oauth-scopes"), &grant.scopes.join(", "))
}
