//! Who sent the request, and to which address: the only file that reads headers which proxies set.
//!
//! A header that names the client, the host or the scheme counts only when the connection comes from
//! `bia.trusted_proxies` (default: loopback), so that a stranger can't pretend to be somewhere else.

use bia_config::Bia;
use http::HeaderMap;
use std::net::{IpAddr, SocketAddr};

/// Longer addresses would not survive the way through a login and back.
const LONGEST_URI: usize = 2048;

/// The other end of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    Tcp(SocketAddr),
    /// A unix socket: a process of this machine, trusted as a proxy.
    Unix,
}

/// What is known about the client of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Client {
    /// The other end of the connection: the client itself, or the proxy nearest to us.
    pub(crate) peer: Peer,
    /// The URL as the browser sees it.
    pub(crate) url: String,
    pub(crate) ip_address: Option<String>,
    pub(crate) location: Option<String>,
    /// What a proxy asks about before it lets somebody through: `X-Forwarded-Uri` at the forwarded host.
    pub(crate) asked_about: Option<String>,
}

/// Whether headers that only a proxy may set count on this connection.
pub(crate) fn trusts(peer: Peer, bia: &Bia) -> bool {
    match peer {
        Peer::Tcp(address) => bia.trusts_proxy(address.ip()),
        Peer::Unix => true,
    }
}

impl Client {
    /// Reads connection and headers. `path_and_query` is as received; `tls` says how the connection came in.
    pub(crate) fn new(peer: Peer, tls: bool, path_and_query: &str, headers: &HeaderMap, bia: &Bia) -> Self {
        let trusts = trusts(peer, bia);
        let forwarded = |name: &str| if trusts { text(headers, name) } else { None };
        let host = forwarded("x-forwarded-host").or_else(|| text(headers, "host")).unwrap_or("localhost");
        let scheme = forwarded("x-forwarded-proto")
            .filter(|scheme| matches!(*scheme, "http" | "https"))
            .unwrap_or(if tls { "https" } else { "http" });
        let ip_address = address(peer, headers, bia);
        let place = [forwarded("cf-ipcity"), forwarded("cf-ipcountry")];
        let location = place.into_iter().flatten().collect::<Vec<_>>().join(", ");
        let asked_about = if trusts { uri(headers) } else { None };
        Self {
            peer,
            url: format!("{scheme}://{host}{path_and_query}"),
            ip_address,
            location: Some(location),
            asked_about: asked_about.map(|uri| format!("{scheme}://{host}{uri}")),
        }
    }
}

/// The client's address; without a trusted header that of the connection.
pub(crate) fn address(peer: Peer, headers: &HeaderMap, bia: &Bia) -> Option<String> {
    let trusts = trusts(peer, bia);
    let forwarded = |name: &str| if trusts { text(headers, name) } else { None };
    let named = ["true-client-ip", "cf-connecting-ip", "x-real-ip"].into_iter().find_map(forwarded);
    named.or_else(|| forwarded("x-forwarded-for").and_then(first_public)).map(str::to_owned).or(match peer {
        // Kratos: without a header it is the socket's address with its port.
        Peer::Tcp(address) => Some(address.to_string()),
        Peer::Unix => None,
    })
}

/// The address that the last trusted proxy saw, for decisions that a client must not be able to steer: in
/// `X-Forwarded-For` each proxy appends whom it was asked by, so what stands before the last untrusted entry is that
/// client's own claim. Headers that proxies pass on as they come count only where there is no such list.
pub(crate) fn nearest_address(peer: Peer, headers: &HeaderMap, bia: &Bia) -> Option<IpAddr> {
    let own = match peer {
        Peer::Tcp(address) => Some(address.ip().to_canonical()),
        Peer::Unix => None,
    };
    if !trusts(peer, bia) {
        return own;
    }
    let mut nearest = own;
    let lists = headers.get_all("x-forwarded-for").iter().rev();
    for entry in lists.flat_map(|list| list.to_str().unwrap_or_default().rsplit(',')) {
        // A trusted proxy wrote this, or nobody did: behind an entry that is no address nothing can be believed.
        let Some(address) = address_of(entry.trim()) else { return nearest };
        nearest = Some(address);
        if !bia.trusts_proxy(address) {
            return nearest;
        }
    }
    if headers.contains_key("x-forwarded-for") {
        return nearest;
    }
    text(headers, "x-real-ip").and_then(address_of).or(own)
}

/// `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1` or `[2001:db8::1]:4711`.
fn address_of(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()));
    address.map(|address: IpAddr| address.to_canonical())
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim).filter(|value| !value.is_empty() && value.len() <= 255)
}

/// A path with its query. Anything else could move the border between host and path.
fn uri(headers: &HeaderMap) -> Option<&str> {
    let uri = headers.get("x-forwarded-uri")?.to_str().ok()?;
    (uri.starts_with('/') && uri.len() <= LONGEST_URI).then_some(uri)
}

fn first_public(list: &str) -> Option<&str> {
    list.split(',').map(str::trim).find(|item| item.parse().is_ok_and(is_public))
}

fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => !(v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_unspecified()),
        IpAddr::V6(v6) => {
            !(v6.is_loopback() || v6.is_unspecified() || v6.is_unique_local() || v6.is_unicast_link_local())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bia_config::Network;

    fn client(peer: &str, headers: &[(&'static str, &str)], trusted: &[&str]) -> Client {
        let map = headers.iter().map(|(name, value)| ((*name).parse().unwrap(), value.parse().unwrap())).collect();
        let trusted_proxies = trusted.iter().map(|text| Network::parse(text).unwrap()).collect();
        let bia = Bia { trusted_proxies, ..Bia::default() };
        Client::new(Peer::Tcp(peer.parse().unwrap()), false, "/a?b=c", &map, &bia)
    }

    #[test]
    fn the_url_is_that_of_the_host_header() {
        let seen = client("127.0.0.1:9", &[("host", "id.example:4433")], &[]);
        assert_eq!(seen.url, "http://id.example:4433/a?b=c");
        assert_eq!(seen.ip_address.as_deref(), Some("127.0.0.1:9"));
        assert_eq!(seen.location.as_deref(), Some(""));
    }

    #[test]
    fn forwarding_headers_count_from_a_trusted_proxy_only() {
        let headers = [
            ("host", "inner"),
            ("x-forwarded-host", "id.example"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-for", "10.0.0.1, 203.0.113.7, 198.51.100.1"),
            ("cf-ipcity", "Bonn"),
            ("cf-ipcountry", "DE"),
        ];
        let trusted = client("10.1.2.3:5", &headers, &["10.0.0.0/8"]);
        assert_eq!(trusted.url, "https://id.example/a?b=c");
        assert_eq!(trusted.ip_address.as_deref(), Some("203.0.113.7"));
        assert_eq!(trusted.location.as_deref(), Some("Bonn, DE"));
        let stranger = client("198.51.100.9:5", &headers, &["10.0.0.0/8"]);
        assert_eq!(stranger.url, "http://inner/a?b=c");
        assert_eq!(stranger.ip_address.as_deref(), Some("198.51.100.9:5"));
    }

    #[test]
    fn the_default_trusts_loopback_and_a_list_replaces_it() {
        let headers = [("host", "inner"), ("x-real-ip", "203.0.113.7")];
        assert_eq!(client("127.0.0.1:1", &headers, &[]).ip_address.as_deref(), Some("203.0.113.7"));
        assert_eq!(client("[::1]:1", &headers, &[]).ip_address.as_deref(), Some("203.0.113.7"));
        assert_eq!(client("127.0.0.1:1", &headers, &["10.0.0.0/8"]).ip_address.as_deref(), Some("127.0.0.1:1"));
    }

    #[test]
    fn the_order_of_client_headers_is_kratos_own() {
        let headers = [("x-real-ip", "192.0.2.3"), ("cf-connecting-ip", "192.0.2.2"), ("true-client-ip", "192.0.2.1")];
        assert_eq!(client("127.0.0.1:1", &headers, &[]).ip_address.as_deref(), Some("192.0.2.1"));
        assert_eq!(client("127.0.0.1:1", &headers[..2], &[]).ip_address.as_deref(), Some("192.0.2.2"));
    }

    #[test]
    fn the_address_a_proxy_asks_about_is_believed_of_proxies_alone() {
        let headers = [("host", "bia:4433"), ("x-forwarded-host", "app.example"), ("x-forwarded-proto", "https")];
        let asked = |peer: &str, uri: &str| {
            let all = [&headers[..], &[("x-forwarded-uri", uri)]].concat();
            client(peer, &all, &[]).asked_about
        };
        assert_eq!(asked("127.0.0.1:1", "/a?b=%26&c").as_deref(), Some("https://app.example/a?b=%26&c"));
        assert_eq!(asked("198.51.100.9:5", "/a"), None);
        for uri in [".evil.example/", "@evil.example/", ":1/", "", &format!("/{}", "x".repeat(3000))] {
            assert_eq!(asked("127.0.0.1:1", uri), None, "{uri}");
        }
    }

    fn nearest(peer: &str, headers: &[(&'static str, &str)], trusted: &[&str]) -> String {
        let map: HeaderMap = headers
            .iter()
            .map(|(name, value)| (name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap()))
            .fold(HeaderMap::new(), |mut map, (name, value)| {
                map.append(name, value);
                map
            });
        let trusted_proxies = trusted.iter().map(|text| Network::parse(text).unwrap()).collect();
        let bia = Bia { trusted_proxies, ..Bia::default() };
        nearest_address(Peer::Tcp(peer.parse().unwrap()), &map, &bia).unwrap().to_string()
    }

    #[test]
    fn no_client_chooses_the_address_that_it_is_limited_by() {
        let proxies = ["10.0.0.0/8"];
        let (forwarded, claimed) = ("x-forwarded-for", ("true-client-ip", "203.0.113.66"));
        // Whoever connects directly is who they are.
        assert_eq!(nearest("198.51.100.9:5", &[(forwarded, "203.0.113.66"), claimed], &proxies), "198.51.100.9");
        // A proxy appends; what stands before was sent by the client.
        assert_eq!(
            nearest("10.0.0.1:5", &[(forwarded, "203.0.113.66, 198.51.100.9"), claimed], &proxies),
            "198.51.100.9"
        );
        assert_eq!(
            nearest("10.0.0.1:5", &[(forwarded, "203.0.113.66"), (forwarded, "198.51.100.9")], &proxies),
            "198.51.100.9"
        );
        assert_eq!(
            nearest("10.0.0.1:5", &[(forwarded, "203.0.113.66, 198.51.100.9, 10.0.0.2")], &proxies),
            "198.51.100.9"
        );
        // No address at all: the nearest hop that is known.
        assert_eq!(nearest("10.0.0.1:5", &[(forwarded, "203.0.113.66, unknown, 10.0.0.2")], &proxies), "10.0.0.2");
        assert_eq!(nearest("10.0.0.1:5", &[(forwarded, "x"), ("x-real-ip", "203.0.113.66")], &proxies), "10.0.0.1");
        assert_eq!(nearest("10.0.0.1:5", &[claimed], &proxies), "10.0.0.1");
        assert_eq!(nearest("10.0.0.1:5", &[("x-real-ip", "198.51.100.9")], &proxies), "198.51.100.9");
        // Within one's own network the first client is the one.
        assert_eq!(nearest("10.0.0.1:5", &[(forwarded, "10.0.0.77, 10.0.0.2")], &proxies), "10.0.0.77");
        for port in ["198.51.100.9:4711", "::ffff:198.51.100.9", "[::ffff:198.51.100.9]:1"] {
            assert_eq!(nearest("[::1]:5", &[(forwarded, port)], &[]), "198.51.100.9", "{port}");
        }
    }

    #[test]
    fn a_scheme_that_is_no_web_scheme_is_ignored() {
        assert_eq!(
            client("127.0.0.1:1", &[("host", "h"), ("x-forwarded-proto", "javascript")], &[]).url,
            "http://h/a?b=c"
        );
    }
}
