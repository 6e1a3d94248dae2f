//! Ports, and what stands between browsers and them.

use crate::finding::{Area, Finding};
use bia_config::{Config, Network};
use bia_outbound::Outbound;
use std::io::ErrorKind;
use std::net::IpAddr;
use std::time::Duration;
use tokio::net::TcpListener;

pub(crate) async fn check(config: &Config, outbound: &Outbound) -> Vec<Finding> {
    let serve = &config.serve;
    let mut findings = Vec::new();
    findings.extend(port("serve.public", &serve.public.host, serve.public.port, outbound).await);
    findings.extend(port("serve.admin", &serve.admin.host, serve.admin.port, outbound).await);
    findings.extend(admin_exposed(config));
    findings.extend(proxies(config));
    findings
}

fn is_loopback(host: &str) -> bool {
    let host = host.trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Opens the port for a moment. One that Bia itself serves already is in order.
async fn port(key: &str, host: &str, port: u16, outbound: &Outbound) -> Option<Finding> {
    if host.starts_with("unix:") {
        return None;
    }
    let bind_to = if host.is_empty() { "0.0.0.0" } else { host.trim_matches(['[', ']']) };
    let error = match TcpListener::bind((bind_to, port)).await {
        Ok(_) => return Some(Finding::good(Area::Serving, "port", format!("{key}: port {port} is free"))),
        Err(error) => error,
    };
    let problem = |what: String, fix: &str| {
        Finding::problem(Area::Serving, "port", what).key(format!("{key}.port")).why("Bia does not start.").fix(fix)
    };
    Some(match error.kind() {
        ErrorKind::AddrInUse if is_bia(bind_to, port, outbound).await => {
            Finding::good(Area::Serving, "port", format!("{key}: Bia is serving port {port}"))
        }
        ErrorKind::AddrInUse => problem(
            format!("{key}: another program has port {port}"),
            "Stop it, or set another port; `ss -ltnp` names the program.",
        ),
        ErrorKind::PermissionDenied => problem(
            format!("{key}: this user may not open port {port}"),
            "Use a port above 1023, or give the service CAP_NET_BIND_SERVICE.",
        ),
        ErrorKind::AddrNotAvailable => problem(
            format!("{key}: {host} is no address of this machine"),
            "Use 0.0.0.0 for all, 127.0.0.1 for this machine alone, or one that `ip address` lists.",
        ),
        kind => problem(format!("{key}: port {port} can't be opened: {kind}"), "See the reason above."),
    })
}

/// Only our own liveness answer counts; nothing else is read of it.
async fn is_bia(host: &str, port: u16, outbound: &Outbound) -> bool {
    let host = if matches!(host, "0.0.0.0" | "::") { "127.0.0.1" } else { host };
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    for scheme in ["http", "https"] {
        let call =
            outbound.get(format!("{scheme}://{host}:{port}/health/alive")).timeout(Duration::from_secs(2)).limit(4096);
        if let Ok(answer) = call.send().await {
            let status = answer.json::<serde_json::Value>().is_ok_and(|body| body["status"] == "ok");
            return answer.status == 200 && status;
        }
    }
    false
}

fn admin_exposed(config: &Config) -> Option<Finding> {
    let host = config.serve.admin.host.as_str();
    (!host.starts_with("unix:") && !is_loopback(host)).then(|| {
        Finding::warning(
            Area::Serving,
            "admin_exposed",
            "the admin port listens beyond this machine, and has no password",
        )
        .key("serve.admin.host")
        .why("Whoever reaches it can read, change and delete every identity.")
        .fix("Set it to 127.0.0.1 or to a unix socket, or keep others out by a firewall.")
    })
}

fn proxies(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    let trusted = &config.bia.trusted_proxies;
    let everybody = ["192.0.2.1", "2001:db8::1"].iter().filter_map(|text| text.parse::<IpAddr>().ok());
    if everybody.into_iter().any(|address| trusted.iter().any(|network: &Network| network.contains(address))) {
        findings.push(
            Finding::problem(Area::Serving, "everybody_is_a_proxy", "every address counts as a trusted proxy")
                .key("bia.trusted_proxies")
                .why("Anybody can claim any client address and any host by a header.")
                .fix("List only the addresses from which your proxy connects."),
        );
    }
    let public = &config.serve.public;
    let ends_elsewhere = config.public_url().is_https() && !public.tls.is_enabled();
    let local = public.host.starts_with("unix:") || is_loopback(&public.host);
    if ends_elsewhere && !local && trusted.is_empty() {
        findings.push(
            Finding::warning(
                Area::Serving,
                "proxy_unknown",
                "TLS ends before Bia, and only proxies on this machine are believed",
            )
            .key("bia.trusted_proxies")
            .why("Behind a proxy on another machine, every session shows the proxy's address, and one visitor's haste slows all.")
            .fix("List the proxy's addresses in bia.trusted_proxies; or, if it runs here, set serve.public.host to 127.0.0.1."),
        );
    }
    if !config.public_url().is_https() && public.tls.is_enabled() {
        findings.push(
            Finding::problem(
                Area::Serving,
                "tls_with_http_address",
                "the port speaks TLS, but the public address is http",
            )
            .key("serve.public.base_url")
            .why("Links and callbacks lead to an address that does not answer.")
            .fix("Write https."),
        );
    }
    findings
}
