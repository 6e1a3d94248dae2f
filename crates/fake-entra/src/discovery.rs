//! Entra's metadata and key documents, versions 1 and 2.

use axum::response::Response;
use serde_json::{Value, json};

use crate::claims::TokenVersion;
use crate::dispatch::Request;
use crate::keys::application_key_set;
use crate::party::{Cloud, Party};
use crate::reply;
use crate::state::Shared;
use crate::tenants::TenantForm;

/// `common` and `organizations` give a template; every other form, `consumers` too, the literal tenant.
fn issuer(shared: &Shared, party: &Party, form: TenantForm) -> String {
    match form {
        TenantForm::Common | TenantForm::Organizations => party.issuer("{tenantid}"),
        TenantForm::One(tenant) => party.issuer(shared.tenant_id(tenant)),
    }
}

/// The path segment stays as the caller wrote it, domain or GUID, as at Entra.
pub(crate) fn document(
    shared: &Shared,
    request: &Request,
    party: &Party,
    version: TokenVersion,
    segment: &str,
    form: TenantForm,
) -> Response {
    let root = format!("{}/{segment}", party.base);
    let issuer = issuer(shared, party, form);
    let mut document = match version {
        TokenVersion::V2 => v2(party, &root, &issuer),
        TokenVersion::V1 => v1(party, &root, &issuer),
    };
    document["tenant_region_scope"] = match form {
        TenantForm::One(_) => json!("EU"),
        _ => Value::Null,
    };
    if let Some(application) = request.query.filled("appid") {
        let keys = document["jwks_uri"].as_str().unwrap_or_default();
        let query = form_urlencoded::Serializer::new(String::new()).append_pair("appid", application).finish();
        document["jwks_uri"] = format!("{keys}?{query}").into();
    }
    reply::json(200, &document)
}

fn v2(party: &Party, root: &str, issuer: &str) -> Value {
    let cloud = Cloud::of(&party.base);
    json!({
        "token_endpoint": format!("{root}/oauth2/v2.0/token"),
        "token_endpoint_auth_methods_supported":
            ["client_secret_post", "private_key_jwt", "client_secret_basic", "self_signed_tls_client_auth"],
        "jwks_uri": format!("{root}/discovery/v2.0/keys"),
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "issuer": issuer,
        "request_uri_parameter_supported": false,
        "userinfo_endpoint": cloud.userinfo,
        "authorization_endpoint": format!("{root}/oauth2/v2.0/authorize"),
        "http_logout_supported": true,
        "frontchannel_logout_supported": true,
        "end_session_endpoint": format!("{root}/oauth2/v2.0/logout"),
        "claims_supported": [
            "sub", "iss", "cloud_instance_name", "cloud_instance_host_name", "cloud_graph_host_name", "msgraph_host",
            "aud", "exp", "iat", "auth_time", "acr", "nonce", "preferred_username", "name", "tid", "ver", "at_hash",
            "c_hash", "email",
        ],
        "cloud_instance_name": cloud.instance,
        "cloud_graph_host_name": "graph.windows.net",
        "msgraph_host": cloud.graph,
        "rbac_url": "https://pas.windows.net",
    })
}

fn v1(party: &Party, root: &str, issuer: &str) -> Value {
    let cloud = Cloud::of(&party.base);
    json!({
        "token_endpoint": format!("{root}/oauth2/token"),
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
        "jwks_uri": format!("{root}/discovery/keys"),
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "id_token", "code id_token", "token id_token", "token"],
        "scopes_supported": ["openid"],
        "issuer": issuer,
        "microsoft_multi_refresh_token": true,
        "authorization_endpoint": format!("{root}/oauth2/authorize"),
        "http_logout_supported": true,
        "frontchannel_logout_supported": true,
        "end_session_endpoint": format!("{root}/oauth2/logout"),
        "userinfo_endpoint": cloud.userinfo,
        "cloud_instance_name": cloud.instance,
        "cloud_graph_host_name": "graph.windows.net",
        "msgraph_host": cloud.graph,
    })
}

/// Each key of v2 names the issuer that it may sign for; a relying party must heed it.
pub(crate) fn keys(
    shared: &Shared,
    request: &Request,
    party: &Party,
    version: TokenVersion,
    form: TenantForm,
) -> Response {
    let cloud = Cloud::of(&party.base);
    let issuer = issuer(shared, party, form);
    let document = match (version, request.query.filled("appid")) {
        (TokenVersion::V2, Some(_)) => application_key_set(&issuer, cloud.instance),
        (TokenVersion::V2, None) => shared.lock().keys.key_set(Some(&issuer), cloud.instance),
        (TokenVersion::V1, _) => shared.lock().keys.key_set(None, cloud.instance),
    };
    reply::json(200, &document)
}
