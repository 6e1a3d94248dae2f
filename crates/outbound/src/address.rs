//! Which addresses are private, and a resolver that drops them at connect time.
//!
//! The check happens on resolved addresses inside the connector: checking a name first and connecting later
//! would let a DNS answer change in between (DNS rebinding). Where a proxy connects in our place there is no such
//! moment here: then the name is judged before the call, and the rest is up to the proxy.

use crate::error::{OutboundError, PrivateAddressRefused, place};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use url::{Host, Url};

/// Whether an address belongs to this machine, a local network, or a range that nobody on the internet owns.
pub(crate) fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_private_v4(v4),
        IpAddr::V6(v6) => is_private_v6(v6),
    }
}

fn is_private_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_multicast()
        || ip.is_documentation()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b)) // carrier-grade NAT
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (b == 18 || b == 19)) // benchmarks
}

fn is_private_v6(ip: Ipv6Addr) -> bool {
    if let Some(v4) = embedded_v4(ip) {
        return is_private_v4(v4);
    }
    let first = ip.segments()[0];
    ip.is_loopback()
        || ip.is_unspecified()
        || ip.is_multicast()
        || (first & 0xfe00) == 0xfc00 // unique local
        || (first & 0xffc0) == 0xfe80 // link local
        || (first & 0xffc0) == 0xfec0 // site local, long gone but still routed in places
        || (first == 0x2001 && ip.segments()[1] == 0xdb8)
        || ip.segments()[..3] == [0x64, 0xff9b, 1] // local-use NAT64 (RFC 8215)
}

/// An IPv4 address dressed as IPv6 would otherwise walk past the IPv4 rules.
fn embedded_v4(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let s = ip.segments();
    let v4 = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        Ipv4Addr::new(a, b, c, d)
    };
    match s {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(v4(high, low)),
        // "IPv4-compatible", except :: and ::1 that have rules of their own.
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 || low > 1 => Some(v4(high, low)),
        [0x2002, high, low, ..] => Some(v4(high, low)),
        _ => None,
    }
}

/// The connector resolves names only, so an address written as digits has to be judged before.
pub(crate) fn literal_is_private(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => is_private_v4(ip),
        Some(Host::Ipv6(ip)) => is_private_v6(ip),
        _ => false,
    }
}

/// Whether a URL names this machine, without asking a resolver.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        None => false,
    }
}

/// Resolves through the operating system and refuses names that lead to a private address.
pub(crate) struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().to_owned();
        Box::pin(async move {
            let found: Vec<_> = tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            if any_is_private(&found) {
                return Err(PrivateAddressRefused.into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// One private address among public ones is as suspicious as only private ones.
fn any_is_private(found: &[SocketAddr]) -> bool {
    found.iter().any(|address| is_private(address.ip()))
}

/// Judges a name that a proxy will resolve, which therefore never comes to [`PublicOnly`].
///
/// # Errors
/// Also when the name has no address here: the proxy may know one inside, and nobody would have judged it.
pub(crate) async fn judge_for_proxy(url: &Url, within: Duration) -> Result<(), OutboundError> {
    let Some(Host::Domain(host)) = url.host() else { return Ok(()) };
    let lookup = tokio::time::timeout(within, tokio::net::lookup_host((host, 0))).await;
    let found = match lookup {
        Ok(Ok(found)) => found.collect::<Vec<_>>(),
        Ok(Err(_)) => Vec::new(),
        Err(_) => return Err(OutboundError::Timeout { place: place(url), after: within }),
    };
    if found.is_empty() {
        return Err(OutboundError::Connect { place: place(url), why: UNJUDGED.to_owned() });
    }
    if any_is_private(&found) { Err(OutboundError::PrivateAddress { place: place(url) }) } else { Ok(()) }
}

const UNJUDGED: &str = "its name has no address here, so that nobody can tell whether the proxy would go to a private \
    one, which clients.http.disallow_private_ip_ranges forbids; add it to clients.http.private_ip_exception_urls if \
    the proxy may decide";

/// Whether a URL is listed in `clients.http.private_ip_exception_urls`; `*` and `**` stand for any text.
pub(crate) fn is_exception(patterns: &[String], url: &Url) -> bool {
    let mut plain = url.clone();
    // A user name may look like the host of a pattern (`http://allowed@evil/`).
    let _ = plain.set_username("");
    let _ = plain.set_password(None);
    patterns.iter().any(|pattern| glob(pattern.as_bytes(), plain.as_str().as_bytes()))
}

/// `*` stays within one path segment, `**` crosses slashes; linear backtracking only.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    match pattern {
        [] => text.is_empty(),
        [b'*', b'*', rest @ ..] => (0..=text.len()).any(|at| glob(rest, &text[at..])),
        [b'*', rest @ ..] => {
            let segment = text.iter().position(|c| *c == b'/').unwrap_or(text.len());
            (0..=segment).any(|at| glob(rest, &text[at..]))
        }
        [b'?', rest @ ..] => text.first().is_some_and(|c| *c != b'/') && glob(rest, &text[1..]),
        [c, rest @ ..] => text.first() == Some(c) && glob(rest, &text[1..]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disguised_loopback_is_private() {
        for text in [
            "127.0.0.1",
            "10.1.2.3",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "255.255.255.255",
            "::1",
            "::",
            "::ffff:127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::7f00:1",
            "64:ff9b:1:7f00::1",
            "2002:7f00:1::",
            "::7f00:1",
            "fd00::1",
            "fe80::1",
        ] {
            assert!(is_private(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn addresses_of_the_internet_are_public() {
        for text in ["20.190.128.1", "2603:1026::1", "172.32.0.1", "100.128.0.1"] {
            assert!(!is_private(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn exceptions_match_whole_urls() {
        let patterns = ["http://hooks.internal/*".to_owned(), "http://10.0.0.7:8080/**".to_owned()];
        let is = |text: &str| is_exception(&patterns, &Url::parse(text).unwrap());
        assert!(is("http://hooks.internal/before"));
        assert!(!is("http://hooks.internal/before/after"));
        assert!(is("http://10.0.0.7:8080/a/b"));
        assert!(!is("http://hooks.internal.evil.example/before"));
        assert!(!is("http://hooks.internal@10.0.0.1/before"));
    }
}
