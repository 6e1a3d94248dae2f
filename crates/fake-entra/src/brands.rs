//! Look-alikes of Google, GitHub, GitLab and Apple, as far as a sign-in notices: their paths, claims and oddities, from
//! their public documentation. They share authorize, codes and keys with everybody else.

mod apple;
mod github;
mod gitlab;
mod google;

use axum::response::Response;
use http::header::WWW_AUTHENTICATE;
use ring::digest::{SHA256, digest};
use serde_json::{Map, Value, json};

use crate::authorize_request::Ask;
use crate::claims::TokenVersion;
use crate::dispatch::Request;
use crate::issue::Grant;
use crate::oauth_error::OAuthError;
use crate::params::Params;
use crate::party::{Party, PartyKind};
use crate::people::Person;
use crate::route::Page;
use crate::state::Shared;
use crate::{jwt, reply, token};

pub(crate) fn answer(shared: &Shared, request: &Request, party: &Party, page: Page) -> Response {
    let grant = || request.grant(shared).filter(|grant| grant.party.is_same_as(party));
    match (party.kind, page) {
        (PartyKind::Google, Page::Discovery) => google::discovery(party),
        (PartyKind::Gitlab, Page::Discovery) => gitlab::discovery(party),
        (PartyKind::Apple, Page::Discovery) => apple::discovery(party),
        (PartyKind::Google | PartyKind::Gitlab, Page::Token) => {
            token::answer(shared, request, party, &format!("{}{}", request.base, request.path))
        }
        (PartyKind::Github, Page::Token) => github::token(shared, request, party),
        (PartyKind::Apple, Page::Token) => apple::token(shared, request, party),
        (PartyKind::Github, Page::Userinfo) => {
            grant().map_or_else(github::bad_credentials, |grant| github::user(shared, &grant))
        }
        (PartyKind::Github, Page::Emails) => {
            grant().map_or_else(github::bad_credentials, |grant| github::emails(&grant))
        }
        (PartyKind::Google, Page::Userinfo) => {
            grant().map_or_else(invalid_token, |grant| userinfo(shared, google::claims(&grant)))
        }
        (PartyKind::Gitlab, Page::Userinfo) => {
            grant().map_or_else(invalid_token, |grant| userinfo(shared, gitlab::claims(&grant)))
        }
        (PartyKind::Gitlab, Page::User) => grant().map_or_else(invalid_token, |grant| gitlab::user(shared, &grant)),
        _ => reply::not_found(),
    }
}

fn userinfo(shared: &Shared, mut claims: Map<String, Value>) -> Response {
    claims.extend(shared.lock().settings.userinfo.clone());
    reply::json(200, &Value::Object(claims))
}

/// RFC 6750.
pub(crate) fn invalid_token() -> Response {
    let response = reply::json(401, &json!({ "error": "invalid_token" }));
    reply::with_header(response, WWW_AUTHENTICATE, "Bearer error=\"invalid_token\"")
}

/// Claims about the person in an ID token, beyond those of the protocol.
pub(crate) fn id_token_claims(grant: &Grant, access_token: &str) -> Map<String, Value> {
    let mut claims = match grant.party.kind {
        PartyKind::Google => google::claims(grant),
        PartyKind::Gitlab => gitlab::claims(grant),
        PartyKind::Apple => apple::claims(grant),
        PartyKind::Github | PartyKind::Entra(_) | PartyKind::Plain(_) => Map::new(),
    };
    // The left half of the digest, OpenID Connect Core 3.1.3.6.
    let hash = digest(&SHA256, access_token.as_bytes());
    claims.insert("at_hash".into(), jwt::encode(&hash.as_ref()[..16]).into());
    claims
}

/// Who gives refresh tokens for what.
pub(crate) fn is_refreshable(party: &Party, scopes: &[String], parameters: &Params) -> bool {
    match party.kind {
        PartyKind::Entra(TokenVersion::V1) | PartyKind::Gitlab | PartyKind::Apple => true,
        PartyKind::Entra(TokenVersion::V2) | PartyKind::Plain(_) => {
            scopes.iter().any(|scope| scope == "offline_access")
        }
        PartyKind::Google => parameters.get("access_type") == Some("offline"),
        PartyKind::Github => false,
    }
}

/// What a provider demands of an authorization request beyond the protocol.
pub(crate) fn refuse_authorization(party: &Party, ask: &Ask, is_form_post: bool) -> Option<OAuthError> {
    let apple = party.kind == PartyKind::Apple;
    (apple && !ask.scopes.is_empty() && !is_form_post).then(|| {
        let text = "response_mode must be form_post when name or email scope is requested.";
        OAuthError::new(400, "invalid_request", 0, text)
    })
}

/// Parameters besides the code in the answer.
pub(crate) fn authorization_extras(party: &Party, ask: &Ask, person: &Person) -> Vec<(&'static str, String)> {
    match party.kind {
        PartyKind::Apple => apple::user_parameter(ask, person).into_iter().collect(),
        PartyKind::Google => vec![("scope", ask.scopes.join(" ")), ("prompt", "none".to_owned())],
        _ => Vec::new(),
    }
}
