//! Which address is what: the table of contents.
//!
//! `{prefix}/{tenant}/…` is Entra, `{prefix}/v1.0/…` Graph, `/op/{name}/…` a plain provider, `/google/…` and so on a
//! look-alike. The prefix may be anything, so that one process plays several clouds.

use crate::access_log::Endpoint;
use crate::claims::TokenVersion;
use crate::party::PartyKind;
use crate::plain;

#[derive(Debug, PartialEq)]
pub(crate) enum Route {
    Health,
    Control(String),
    /// `resource` starts with `/me`.
    Graph {
        prefix: String,
        resource: String,
    },
    GraphUserinfo {
        prefix: String,
    },
    Entra {
        prefix: String,
        tenant: String,
        version: TokenVersion,
        page: Page,
    },
    Other {
        kind: PartyKind,
        page: Page,
    },
    Unknown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Page {
    Discovery,
    Keys,
    Authorize,
    Token,
    Userinfo,
    /// GitHub's `/user/emails`.
    Emails,
    /// GitLab's `/api/v4/user`.
    User,
    Logout,
    AdminConsent,
}

type Table = &'static [(&'static str, Page)];

const ENTRA: &[(&str, TokenVersion, Page)] = &[
    ("v2.0/.well-known/openid-configuration", TokenVersion::V2, Page::Discovery),
    ("discovery/v2.0/keys", TokenVersion::V2, Page::Keys),
    ("oauth2/v2.0/authorize", TokenVersion::V2, Page::Authorize),
    ("oauth2/v2.0/token", TokenVersion::V2, Page::Token),
    ("oauth2/v2.0/logout", TokenVersion::V2, Page::Logout),
    ("v2.0/adminconsent", TokenVersion::V2, Page::AdminConsent),
    (".well-known/openid-configuration", TokenVersion::V1, Page::Discovery),
    ("discovery/keys", TokenVersion::V1, Page::Keys),
    ("oauth2/authorize", TokenVersion::V1, Page::Authorize),
    ("oauth2/token", TokenVersion::V1, Page::Token),
    ("oauth2/logout", TokenVersion::V1, Page::Logout),
    ("adminconsent", TokenVersion::V1, Page::AdminConsent),
];

const PLAIN: Table = &[
    (".well-known/openid-configuration", Page::Discovery),
    ("keys", Page::Keys),
    ("authorize", Page::Authorize),
    ("token", Page::Token),
    ("userinfo", Page::Userinfo),
];

const GOOGLE: Table = &[
    (".well-known/openid-configuration", Page::Discovery),
    ("oauth2/v3/certs", Page::Keys),
    ("o/oauth2/v2/auth", Page::Authorize),
    ("token", Page::Token),
    ("v1/userinfo", Page::Userinfo),
];

const GITHUB: Table = &[
    ("login/oauth/authorize", Page::Authorize),
    ("login/oauth/access_token", Page::Token),
    ("user", Page::Userinfo),
    ("user/emails", Page::Emails),
    ("api/v3/user", Page::Userinfo),
    ("api/v3/user/emails", Page::Emails),
];

const GITLAB: Table = &[
    (".well-known/openid-configuration", Page::Discovery),
    ("oauth/discovery/keys", Page::Keys),
    ("oauth/authorize", Page::Authorize),
    ("oauth/token", Page::Token),
    ("oauth/userinfo", Page::Userinfo),
    ("api/v4/user", Page::User),
];

const APPLE: Table = &[
    (".well-known/openid-configuration", Page::Discovery),
    ("auth/keys", Page::Keys),
    ("auth/authorize", Page::Authorize),
    ("auth/token", Page::Token),
];

impl Route {
    pub(crate) fn parse(path: &str) -> Route {
        let path = path.trim_start_matches('/');
        let (first, rest) = path.split_once('/').unwrap_or((path, ""));
        let other = |kind, table: Table, rest: &str| {
            let page = table.iter().find(|(known, _)| *known == rest).map(|(_, page)| *page);
            page.map_or(Route::Unknown, |page| Route::Other { kind, page })
        };
        match first {
            "health" if rest.is_empty() => Route::Health,
            "_control" => Route::Control(rest.to_owned()),
            "op" => {
                let (name, rest) = rest.split_once('/').unwrap_or((rest, ""));
                plain::find(name).map_or(Route::Unknown, |provider| other(PartyKind::Plain(provider), PLAIN, rest))
            }
            "google" => other(PartyKind::Google, GOOGLE, rest),
            "github" => other(PartyKind::Github, GITHUB, rest),
            "gitlab" => other(PartyKind::Gitlab, GITLAB, rest),
            "apple" => other(PartyKind::Apple, APPLE, rest),
            _ => Route::microsoft(path),
        }
    }

    fn microsoft(path: &str) -> Route {
        let slashed = format!("/{path}");
        if let Some(prefix) = slashed.strip_suffix("/oidc/userinfo") {
            return Route::GraphUserinfo { prefix: prefix.to_owned() };
        }
        if let Some(at) = slashed.find("/v1.0/me") {
            let resource = slashed[at + "/v1.0".len()..].to_owned();
            return Route::Graph { prefix: slashed[..at].to_owned(), resource };
        }
        for (suffix, version, page) in ENTRA {
            let before = slashed.strip_suffix(suffix).and_then(|before| before.strip_suffix('/'));
            if let Some((prefix, tenant)) = before.and_then(|before| before.rsplit_once('/')) {
                return Route::Entra {
                    prefix: prefix.to_owned(),
                    tenant: tenant.to_owned(),
                    version: *version,
                    page: *page,
                };
            }
        }
        Route::Unknown
    }

    /// Under which name the call is counted and can be made to fail.
    pub(crate) fn endpoint(&self) -> Endpoint {
        let page = match self {
            Route::Graph { .. } => return Endpoint::Graph,
            Route::GraphUserinfo { .. } => return Endpoint::Userinfo,
            Route::Entra { page, .. } | Route::Other { page, .. } => page,
            Route::Health | Route::Control(_) | Route::Unknown => return Endpoint::Other,
        };
        match page {
            Page::Discovery => Endpoint::Discovery,
            Page::Keys => Endpoint::Keys,
            Page::Authorize => Endpoint::Authorize,
            Page::Token => Endpoint::Token,
            Page::Userinfo | Page::Emails | Page::User => Endpoint::Userinfo,
            Page::Logout => Endpoint::Logout,
            Page::AdminConsent => Endpoint::AdminConsent,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefix_in_front_of_the_tenant_is_free() {
        let entra = |path| match Route::parse(path) {
            Route::Entra { prefix, tenant, version, page } => (prefix, tenant, version, page),
            other => panic!("{path} is {other:?}"),
        };
        let (prefix, tenant, version, page) = entra("/common/oauth2/v2.0/token");
        assert_eq!((prefix.as_str(), tenant.as_str(), version, page), ("", "common", TokenVersion::V2, Page::Token));
        let (prefix, tenant, version, page) = entra("/us/gov/contoso.example/oauth2/authorize");
        assert_eq!(
            (prefix.as_str(), tenant.as_str(), version, page),
            ("/us/gov", "contoso.example", TokenVersion::V1, Page::Authorize)
        );
    }

    #[test]
    fn v2_discovery_is_not_taken_for_v1() {
        let Route::Entra { tenant, version, .. } = Route::parse("/common/v2.0/.well-known/openid-configuration") else {
            panic!("not Entra");
        };
        assert_eq!((tenant.as_str(), version), ("common", TokenVersion::V2));
    }

    #[test]
    fn unknown_addresses_stay_unknown() {
        for path in ["/", "/op/nobody/token", "/op/plain/nothing", "/common/nothing", "/github/token"] {
            assert_eq!(Route::parse(path), Route::Unknown, "{path}");
        }
    }
}
