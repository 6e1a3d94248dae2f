//! Apple: OpenID Connect with a signed client secret, a posted callback, and the name beside the token.

use crate::connection::AuthorizeParts;
use crate::generic::Dialect;
use bia_config::OidcProvider;
use bia_model::Claims;
use serde::Deserialize;

pub(crate) const ISSUER: &str = "https://appleid.apple.com";

pub(crate) struct Apple;

#[derive(Default, Deserialize)]
#[serde(default)]
struct User {
    name: Name,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Name {
    first_name: String,
    last_name: String,
}

impl Dialect for Apple {
    fn issuer(&self) -> Option<&'static str> {
        Some(ISSUER)
    }

    fn authorize<'a>(&self, _: &'a OidcProvider, parts: &mut AuthorizeParts<'a>) {
        // Apple refuses e-mail and name in a query.
        if parts.scope.iter().any(|scope| matches!(*scope, "email" | "name")) {
            parts.extra.push(("response_mode", "form_post"));
        }
    }

    fn amend(&self, claims: &mut Claims, user: Option<&str>) {
        // Nothing signs this, so it only fills names that the token left empty.
        let user: User = user.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        for (field, value) in [
            (&mut claims.given_name, &user.name.first_name),
            (&mut claims.last_name, &user.name.last_name),
            (&mut claims.family_name, &user.name.last_name),
        ] {
            if field.is_empty() && value.len() <= 256 {
                field.clone_from(value);
            }
        }
    }

    fn may_lack_nonce(&self, claims: &Claims) -> bool {
        // Kratos: some of Apple's devices can't send one and say so.
        !claims.nonce_supported
    }
}
