//! GitLab: OpenID Connect, and an API that knows more than userinfo.

use axum::response::Response;
use serde_json::{Map, Value, json};

use crate::issue::Grant;
use crate::party::Party;
use crate::reply;
use crate::state::Shared;

pub(super) fn discovery(party: &Party) -> Response {
    let root = party.root();
    reply::json(
        200,
        &json!({
            "issuer": root,
            "authorization_endpoint": format!("{root}/oauth/authorize"),
            "token_endpoint": format!("{root}/oauth/token"),
            "userinfo_endpoint": format!("{root}/oauth/userinfo"),
            "jwks_uri": format!("{root}/oauth/discovery/keys"),
            "scopes_supported": ["api", "read_api", "read_user", "openid", "profile", "email"],
            "response_types_supported": ["code"],
            "response_modes_supported": ["query", "fragment", "form_post"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "claims_supported": ["iss", "sub", "aud", "exp", "iat", "sub_legacy", "name", "nickname",
                "preferred_username", "email", "email_verified", "website", "profile", "picture", "groups",
                "groups_direct"],
            "code_challenge_methods_supported": ["plain", "S256"],
        }),
    )
}

pub(super) fn claims(grant: &Grant) -> Map<String, Value> {
    let person = &grant.person;
    let root = grant.party.root();
    let mut claims = Map::new();
    claims.insert("sub".into(), person.number().to_string().into());
    if grant.has_scope("profile") || grant.has_scope("openid") {
        claims.insert("name".into(), person.name.clone().into());
        claims.insert("nickname".into(), person.key.clone().into());
        claims.insert("preferred_username".into(), person.key.clone().into());
        claims.insert("profile".into(), format!("{root}/{}", person.key).into());
        claims.insert("picture".into(), format!("{root}/uploads/avatar/{}.png", person.key).into());
        let groups: Vec<&str> = person.groups.iter().map(|group| group.display_name.as_str()).collect();
        claims.insert("groups".into(), json!(groups));
    }
    if let (true, Some(email)) = (grant.has_scope("email") || grant.has_scope("openid"), &person.email) {
        claims.insert("email".into(), email.clone().into());
        claims.insert("email_verified".into(), json!(person.xms_edov == Some(true)));
    }
    claims
}

/// Needs `read_user` or `api`.
pub(super) fn user(shared: &Shared, grant: &Grant) -> Response {
    if !["read_user", "api", "read_api"].iter().any(|scope| grant.has_scope(scope)) {
        let text = "The request requires higher privileges than provided by the access token.";
        return reply::json(403, &json!({ "error": "insufficient_scope", "error_description": text }));
    }
    let person = &grant.person;
    let mut user = Map::new();
    user.insert("id".into(), person.number().into());
    user.insert("username".into(), person.key.clone().into());
    user.insert("name".into(), person.name.clone().into());
    user.insert("state".into(), if person.disabled { "blocked" } else { "active" }.into());
    user.insert("email".into(), json!(person.email));
    user.insert(
        "confirmed_at".into(),
        if person.xms_edov == Some(true) { "2020-01-01T00:00:00Z".into() } else { Value::Null },
    );
    user.insert("web_url".into(), format!("{}/{}", grant.party.root(), person.key).into());
    user.extend(shared.lock().settings.userinfo.clone());
    reply::json(200, &Value::Object(user))
}
