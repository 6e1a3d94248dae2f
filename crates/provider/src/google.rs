//! Google: OpenID Connect, except that a refresh token is asked for with `access_type=offline`.

use crate::connection::AuthorizeParts;
use crate::generic::Dialect;
use bia_config::OidcProvider;
use bia_model::Claims;

pub(crate) struct Google;

impl Dialect for Google {
    fn issuer(&self) -> Option<&'static str> {
        Some("https://accounts.google.com")
    }

    fn other_issuers(&self) -> &'static [&'static str] {
        // Google's documentation allows both spellings in a token.
        &["accounts.google.com"]
    }

    fn authorize<'a>(&self, _: &'a OidcProvider, parts: &mut AuthorizeParts<'a>) {
        if parts.scope.contains(&"offline_access") {
            parts.scope.retain(|scope| *scope != "offline_access");
            parts.extra.push(("access_type", "offline"));
        }
    }

    fn may_lack_nonce(&self, _: &Claims) -> bool {
        // Kratos: not all of Google's SDKs can send one.
        true
    }
}
