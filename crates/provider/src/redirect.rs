//! The callback address that a provider is told (contract §3.4): pure, so that `doctor` and setup scripts print
//! exactly what a sign-in sends.

use bia_config::{OidcProvider, Pkce};
use url::Url;

/// The `redirect_uri` of a provider below `base` (`methods.oidc.config.base_redirect_uri`, else the public URL).
///
/// Kratos: `pkce: force` uses the callback without id, an organisation's provider the organisation's callback.
pub fn redirect_uri(provider: &OidcProvider, base: &Url) -> String {
    let mut path = vec!["self-service", "methods", "oidc"];
    match (&provider.pkce, provider.organization_id.as_deref().filter(|o| !o.is_empty())) {
        (Pkce::Force, _) => path.push("callback"),
        (_, Some(organization)) => path.extend(["organization", organization, "callback", &provider.id]),
        _ => path.extend(["callback", &provider.id]),
    }
    below(base, &path)
}

/// An address below `base`, each segment escaped.
pub(crate) fn below(base: &Url, path: &[&str]) -> String {
    let mut url = base.clone();
    url.set_query(None);
    url.set_fragment(None);
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(path);
    }
    url.into()
}

/// Every callback that a sign-in with this provider may use, for its registration: the one in use first, then the
/// callback without id, those of `aliases`, and the same on each of `callback_hosts`.
pub fn redirect_uris(provider: &OidcProvider, base: &Url) -> Vec<String> {
    let hosts = provider.callback_hosts.iter().map(|host| base_for_host(provider, base, Some(host)));
    let mut found: Vec<String> = Vec::new();
    for base in std::iter::once(base.clone()).chain(hosts) {
        let own = ["self-service", "methods", "oidc", "callback", &provider.id];
        let mut all = vec![redirect_uri(provider, &base), below(&base, &own), below(&base, &own[..4])];
        for alias in &provider.aliases {
            all.push(below(&base, &["self-service", "methods", "oidc", "callback", alias]));
        }
        for uri in all {
            if !found.contains(&uri) {
                found.push(uri);
            }
        }
    }
    found
}

/// The base for a visitor who came by `host`: another one only if `callback_hosts` lists exactly that host, because
/// a Host header is whatever the client wrote. Scheme and path stay those of `base`.
pub(crate) fn base_for_host(provider: &OidcProvider, base: &Url, host: Option<&str>) -> Url {
    let listed = host.and_then(|host| provider.callback_hosts.iter().find(|h| h.eq_ignore_ascii_case(host)));
    let Some(listed) = listed else {
        return base.clone();
    };
    let mut url = base.clone();
    let Ok(other) = Url::parse(&format!("{}://{listed}/", base.scheme())) else {
        return base.clone();
    };
    if url.set_host(other.host_str()).is_err() || url.set_port(other.port()).is_err() {
        return base.clone();
    }
    url
}
