//! Plain OpenID Connect providers under `/op/{name}`. `plain` announces no PKCE, `pkce` does, the rest are odd on
//! purpose.

use axum::response::Response;
use serde_json::{Value, json};

use crate::claims::standard_claims;
use crate::issue::Grant;
use crate::party::Party;
use crate::reply;
use crate::state::Shared;

/// One plain provider and its oddity.
#[derive(Debug, PartialEq)]
pub(crate) struct Provider {
    pub(crate) name: &'static str,
    announces_pkce: bool,
    has_userinfo: bool,
    /// Its issuer ends in a slash, in discovery and tokens.
    pub(crate) trailing_slash: bool,
    /// Discovery names another issuer than its address: must be refused.
    wrong_issuer: bool,
    /// Says in every answer who answers, and announces it (RFC 9207).
    pub(crate) names_itself: bool,
    pub(crate) client_authentication: &'static [&'static str],
}

const ORDINARY: Provider = Provider {
    name: "plain",
    announces_pkce: false,
    has_userinfo: true,
    trailing_slash: false,
    wrong_issuer: false,
    names_itself: false,
    client_authentication: &["client_secret_basic", "client_secret_post"],
};

static PROVIDERS: [Provider; 9] = [
    ORDINARY,
    Provider { name: "pkce", announces_pkce: true, ..ORDINARY },
    Provider { name: "second", announces_pkce: true, ..ORDINARY },
    Provider { name: "nouserinfo", has_userinfo: false, ..ORDINARY },
    Provider { name: "badissuer", wrong_issuer: true, ..ORDINARY },
    Provider { name: "basiconly", client_authentication: &["client_secret_basic"], ..ORDINARY },
    Provider { name: "postonly", client_authentication: &["client_secret_post"], ..ORDINARY },
    Provider { name: "trailing", trailing_slash: true, ..ORDINARY },
    Provider { name: "named", names_itself: true, ..ORDINARY },
];

pub(crate) fn find(name: &str) -> Option<&'static Provider> {
    PROVIDERS.iter().find(|provider| provider.name == name)
}

pub(crate) fn discovery(party: &Party, provider: &Provider) -> Response {
    let root = party.root();
    let issuer = if provider.wrong_issuer { format!("{root}/somewhere-else") } else { party.issuer("") };
    let mut document = json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{root}/authorize"),
        "token_endpoint": format!("{root}/token"),
        "jwks_uri": format!("{root}/keys"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "form_post"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "claims_parameter_supported": true,
        "token_endpoint_auth_methods_supported": provider.client_authentication,
    });
    if provider.has_userinfo {
        document["userinfo_endpoint"] = format!("{root}/userinfo").into();
    }
    if provider.announces_pkce {
        document["code_challenge_methods_supported"] = json!(["plain", "S256"]);
    }
    if provider.names_itself {
        document["authorization_response_iss_parameter_supported"] = true.into();
    }
    reply::json(200, &document)
}

/// `sub` at the plain providers is public and readable.
pub(crate) fn subject(grant: &Grant) -> String {
    format!("op-{}", grant.person.key)
}

pub(crate) fn userinfo(shared: &Shared, grant: &Grant) -> Response {
    let mut claims = standard_claims(&grant.person, &grant.scopes);
    claims.insert("sub".into(), subject(grant).into());
    claims.extend(shared.lock().settings.userinfo.clone());
    reply::json(200, &Value::Object(claims))
}
