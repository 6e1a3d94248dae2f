//! `bia`: the top-level block that Kratos does not know.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};

use crate::audit::Audit;
use crate::identity_headers::HeaderTemplate;
use crate::rate_limit::RateLimits;

/// Settings of Bia's own. Kratos refuses a file with this block; `bia config check --for kratos` says so.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Bia {
    /// The built-in pages.
    pub ui: Ui,
    /// Limits of the claims mapper.
    pub mapper: MapperLimits,
    /// Proxies whose `X-Forwarded-*` headers count, as addresses or networks such as `10.0.0.0/8`. Default: loopback only.
    pub trusted_proxies: Vec<Network>,
    /// Headers that `/sessions/whoami` adds for the application behind a proxy, each with a template,
    /// for example `{ X-User-Id: '{identity.id}' }`. Default: none.
    #[schemars(with = "BTreeMap<String, String>")]
    pub identity_headers: BTreeMap<String, HeaderTemplate>,
    /// How often one address or one flow may ask. Default: no limits.
    pub rate_limit: RateLimits,
    /// Who signed in, who was refused, and what administrators changed.
    pub audit: Audit,
    /// Keep a redacted record of failing sign-ins: `on` or `off`. Default: `off`.
    pub capture: Capture,
}

impl Bia {
    /// Whether forwarding headers of this peer count. Anybody else could pretend to be any client or host.
    pub fn trusts_proxy(&self, peer: IpAddr) -> bool {
        // An IPv4 peer of a dual-stack listener arrives as ::ffff:a.b.c.d.
        let peer = peer.to_canonical();
        if self.trusted_proxies.is_empty() {
            return peer.is_loopback();
        }
        self.trusted_proxies.iter().any(|network| network.contains(peer))
    }
}

/// `bia.ui`: pages for login, registration, settings and errors.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Ui {
    /// Serve the built-in pages under `/ui`. Default: true.
    pub enabled: bool,
    /// Name shown on the pages, for example `Contoso`. Default: none.
    pub title: Option<String>,
    /// Picture shown above it: a path on this host, an https address, `data:image/…`, or a file such as
    /// `file:///etc/bia/logo.svg`. Default: none.
    #[schemars(extend("format" = "uri-reference"))]
    pub logo_url: Option<String>,
    /// Light, dark, or as the visitor's system prefers. Default: `auto`.
    pub theme: Theme,
    /// Colour of buttons and links as `#rrggbb`. Default: a blue.
    #[schemars(regex(pattern = "^#[0-9a-fA-F]{6}$"))]
    pub accent: Option<String>,
    /// Folder with templates that replace built-in ones of the same name. Default: none.
    pub templates_dir: Option<PathBuf>,
    /// Folder with `<language>.json`: new languages, or texts that replace built-in ones. Default: none.
    pub languages_dir: Option<PathBuf>,
    /// Language for visitors whose browser asks for none that exists. Default: `en`.
    pub default_language: Option<String>,
}

impl Default for Ui {
    fn default() -> Self {
        Self {
            enabled: true,
            title: None,
            logo_url: None,
            theme: Theme::Auto,
            accent: None,
            templates_dir: None,
            languages_dir: None,
            default_language: None,
        }
    }
}

/// Colours of the built-in pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Theme {
    /// As the visitor's system.
    #[default]
    Auto,
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

/// `bia.mapper`: what one evaluation of a mapper may use. A mapper that needs more fails that sign-in alone.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MapperLimits {
    /// Longest evaluation. Default: `1s`.
    #[serde(with = "crate::duration")]
    #[schemars(schema_with = "crate::duration::schema")]
    pub timeout: Duration,
    /// Most live memory, in `KiB`, `MiB` or `GiB`. Default: `128MiB`.
    #[serde(with = "crate::size")]
    #[schemars(schema_with = "crate::size::schema")]
    pub memory: u64,
    /// Largest output. Default: `256KiB`.
    #[serde(with = "crate::size")]
    #[schemars(schema_with = "crate::size::schema")]
    pub output: u64,
    /// Folder that mappers may `import` from. Default: none, imports fail as in Kratos.
    pub import_dir: Option<PathBuf>,
}

impl Default for MapperLimits {
    fn default() -> Self {
        Self { timeout: Duration::from_secs(1), memory: 128 << 20, output: 256 << 10, import_dir: None }
    }
}

/// `bia.capture`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Capture {
    /// Nothing is recorded.
    #[default]
    Off,
    /// A redacted record of each failing sign-in.
    On,
}

/// An IP address or a network in CIDR form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// Reads `10.0.0.0/8`, `192.0.2.7` or `fd00::/8`.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix.parse::<u8>().ok()?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.unwrap_or(longest);
        (prefix <= longest).then_some(Self { address, prefix })
    }

    /// Whether the address lies in this network; IPv4 and IPv6 never match each other.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.prefix)).unwrap_or(0);
                own.to_bits() & mask == other.to_bits() & mask
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.prefix)).unwrap_or(0);
                own.to_bits() & mask == other.to_bits() & mask
            }
            _ => false,
        }
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text)
            .ok_or_else(|| serde::de::Error::custom("expected an IP address or a network such as `10.0.0.0/8`"))
    }
}

impl JsonSchema for Network {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Network".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "ip-network" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect(text)
    }

    #[test]
    fn only_loopback_is_trusted_until_proxies_are_listed() {
        let mut bia = Bia::default();
        assert!(
            bia.trusts_proxy(ip("127.0.0.1"))
                && bia.trusts_proxy(ip("::ffff:127.0.0.1"))
                && !bia.trusts_proxy(ip("10.0.0.1"))
        );
        bia.trusted_proxies = vec![Network::parse("10.0.0.0/8").expect("network")];
        assert!(
            bia.trusts_proxy(ip("10.9.8.7")) && !bia.trusts_proxy(ip("127.0.0.1")) && !bia.trusts_proxy(ip("11.0.0.1"))
        );
    }

    #[test]
    fn networks_are_compared_by_prefix() {
        assert!(Network::parse("0.0.0.0/0").expect("any").contains(ip("203.0.113.9")));
        assert!(Network::parse("192.0.2.7").expect("host").contains(ip("192.0.2.7")));
        assert!(!Network::parse("192.0.2.7").expect("host").contains(ip("192.0.2.8")));
        assert!(Network::parse("fd00::/8").expect("v6").contains(ip("fd12::1")));
        for bad in ["", "10.0.0.0/33", "host", "10.0.0.0/", "::/129"] {
            assert!(Network::parse(bad).is_none(), "{bad}");
        }
    }
}
