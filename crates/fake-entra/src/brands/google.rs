//! Google: OpenID Connect with `hd` for organisations and numbers as subjects.

use axum::response::Response;
use serde_json::{Map, Value, json};

use crate::claims::standard_claims;
use crate::issue::Grant;
use crate::party::Party;
use crate::reply;

pub(super) fn discovery(party: &Party) -> Response {
    let root = party.root();
    reply::json(
        200,
        &json!({
            "issuer": root,
            "authorization_endpoint": format!("{root}/o/oauth2/v2/auth"),
            "token_endpoint": format!("{root}/token"),
            "userinfo_endpoint": format!("{root}/v1/userinfo"),
            "jwks_uri": format!("{root}/oauth2/v3/certs"),
            "response_types_supported": ["code", "token", "id_token", "code token", "code id_token"],
            "response_modes_supported": ["query", "fragment", "form_post"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "scopes_supported": ["openid", "email", "profile"],
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
            "claims_supported": ["aud", "email", "email_verified", "exp", "family_name", "given_name", "iat", "iss",
                "name", "picture", "sub"],
            "code_challenge_methods_supported": ["plain", "S256"],
        }),
    )
}

pub(super) fn claims(grant: &Grant) -> Map<String, Value> {
    let person = &grant.person;
    let mut claims = standard_claims(person, &grant.scopes);
    for absent in ["preferred_username", "acr", "amr"] {
        claims.shift_remove(absent);
    }
    claims.insert("sub".into(), format!("1{:020}", person.number()).into());
    if grant.has_scope("profile") {
        claims.insert("picture".into(), format!("https://lh3.googleusercontent.example/a/{}", person.key).into());
    }
    // Only accounts of an organisation carry it; a personal address proves no membership.
    if let (false, Some((_, domain))) = (person.is_personal(), person.upn.rsplit_once('@')) {
        claims.insert("hd".into(), domain.into());
    }
    claims
}
