//! Consent in Entra: which permissions are asked for, and where an administrator grants them for everybody.

use bia_config::{OidcProvider, ProviderKind, Tenant};
use url::Url;

/// AADSTS numbers that mean that consent is missing. They choose a sentence, never what happens.
const MISSING: [u32; 4] = [65001, 90094, 90095, 65004];

/// Whether the provider's numbers say that somebody has not consented.
pub(crate) fn is_missing(codes: &[u32]) -> bool {
    codes.iter().any(|code| MISSING.contains(code))
}

/// Where the administrator's browser returns after consenting; register it beside the callbacks.
pub fn admin_consent_return(provider: &OidcProvider, base: &Url) -> String {
    crate::redirect::below(base, &["self-service", "methods", "oidc", "admin-consent", &provider.id])
}

/// The link with which an administrator grants the configured permissions for a whole tenant. `tenant` is that of a
/// customer; without it, the configured one. None for other providers, and for personal accounts, which have no
/// administrator.
pub fn admin_consent_url(provider: &OidcProvider, client_id: &str, base: &Url, tenant: Option<&str>) -> Option<Url> {
    if provider.provider != ProviderKind::Microsoft {
        return None;
    }
    let tenant = match (tenant, provider.tenant()?) {
        (_, Tenant::Consumers) => return None,
        (Some(given), _) => given,
        (None, Tenant::Id(own) | Tenant::Domain(own)) => own,
        // Entra takes no `common` here: consent belongs to one organisation, which signs in first.
        (None, Tenant::Common | Tenant::Organizations) => "organizations",
    };
    let mut url = Url::parse(provider.microsoft.authority_host()).ok()?;
    url.path_segments_mut().ok()?.pop_if_empty().extend([tenant, "v2.0", "adminconsent"]);
    url.query_pairs_mut()
        .append_pair("client_id", client_id)
        .append_pair("scope", &consent_scopes(provider).join(" "))
        .append_pair("redirect_uri", &admin_consent_return(provider, base));
    Some(url)
}

/// The permissions that a sign-in asks for, `openid` included, in the configured order.
pub fn consent_scopes(provider: &OidcProvider) -> Vec<&str> {
    let mut scopes: Vec<&str> = provider.scope.iter().map(String::as_str).collect();
    if !scopes.contains(&"openid") {
        scopes.push("openid");
    }
    scopes
}
