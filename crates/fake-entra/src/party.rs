//! Who is being played at an address: Entra in one of its versions, a plain provider, or a look-alike.

use crate::claims::TokenVersion;
use crate::plain::Provider;

/// The role, and the address in front of it (scheme, host and free prefix).
#[derive(Clone, Debug)]
pub(crate) struct Party {
    pub(crate) kind: PartyKind,
    pub(crate) base: String,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum PartyKind {
    Entra(TokenVersion),
    Plain(&'static Provider),
    Google,
    Github,
    Gitlab,
    Apple,
}

impl Party {
    pub(crate) fn is_entra(&self) -> bool {
        matches!(self.kind, PartyKind::Entra(_))
    }

    /// The address below which the party's endpoints lie; for Entra the tenant follows.
    pub(crate) fn root(&self) -> String {
        let base = &self.base;
        match self.kind {
            PartyKind::Entra(_) => base.clone(),
            PartyKind::Plain(provider) => format!("{base}/op/{}", provider.name),
            PartyKind::Google => format!("{base}/google"),
            PartyKind::Github => format!("{base}/github"),
            PartyKind::Gitlab => format!("{base}/gitlab"),
            PartyKind::Apple => format!("{base}/apple"),
        }
    }

    /// `iss` of its tokens. `tenant_id` counts for Entra alone and may be the template `{tenantid}`.
    pub(crate) fn issuer(&self, tenant_id: &str) -> String {
        match self.kind {
            PartyKind::Entra(TokenVersion::V2) => format!("{}/{tenant_id}/v2.0", self.base),
            // v1 tokens name this host whatever host issued them.
            PartyKind::Entra(TokenVersion::V1) => format!("https://sts.windows.net/{tenant_id}/"),
            PartyKind::Plain(provider) if provider.trailing_slash => format!("{}/", self.root()),
            _ => self.root(),
        }
    }

    /// Codes, tokens and keys of one party are worth nothing at another; versions and hosts of Entra are one party.
    pub(crate) fn is_same_as(&self, other: &Party) -> bool {
        (self.is_entra() && other.is_entra()) || self.kind == other.kind
    }
}

/// What the sign-in host says about its cloud.
pub(crate) struct Cloud {
    pub(crate) instance: &'static str,
    pub(crate) graph: String,
    pub(crate) userinfo: String,
}

impl Cloud {
    /// National clouds by their real names; any other host plays the global one and is its own Graph.
    pub(crate) fn of(base: &str) -> Cloud {
        let known = |instance, graph: &str| Cloud {
            instance,
            graph: graph.to_owned(),
            userinfo: format!("https://{graph}/oidc/userinfo"),
        };
        match base {
            "https://login.microsoftonline.com" => known("microsoftonline.com", "graph.microsoft.com"),
            "https://login.microsoftonline.us" => known("microsoftonline.us", "graph.microsoft.us"),
            "https://login.partner.microsoftonline.cn" => {
                known("partner.microsoftonline.cn", "microsoftgraph.chinacloudapi.cn")
            }
            _ => Cloud {
                instance: "microsoftonline.com",
                graph: base.split_once("://").map_or(base, |(_, host)| host).to_owned(),
                userinfo: format!("{base}/oidc/userinfo"),
            },
        }
    }
}
