//! Ports, and what stands between browsers and them.

use super::local::Listener;
use crate::finding::{Area, Finding};
use bia_config::{Config, Network};
use std::io::ErrorKind;
use std::net::IpAddr;
use std::path::Path;
use tokio::net::TcpListener;

/// What was found, and which ports Bia serves at this moment.
pub(crate) struct Ports {
    pub(crate) findings: Vec<Finding>,
    pub(crate) public_serves: bool,
}

/// `fingerprint` is that of the configuration that is examined, `GET /health/config` that of the one in use.
pub(crate) async fn check(config: &Config, fingerprint: Option<&str>) -> Ports {
    let (public, admin) = (&config.serve.public, &config.serve.admin);
    let public = Listener { key: "serve.public", host: &public.host, port: public.port, tls: &public.tls };
    let admin = Listener { key: "serve.admin", host: &admin.host, port: admin.port, tls: &admin.tls };
    let (public_port, public_serves) = port(&public).await;
    let (admin_port, admin_serves) = port(&admin).await;
    let mut findings = vec![public_port, admin_port];
    if admin_serves {
        findings.extend(running(&admin, fingerprint).await);
    }
    findings.extend(admin_exposed(config));
    findings.extend(proxies(config));
    Ports { findings, public_serves }
}

fn is_loopback(host: &str) -> bool {
    let host = host.trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Opens the port for a moment. One that Bia itself serves already is in order.
async fn port(listener: &Listener<'_>) -> (Finding, bool) {
    let Listener { key, host, port, .. } = listener;
    if let Some(path) = listener.socket() {
        return socket(listener, &path).await;
    }
    let error = match TcpListener::bind((listener.bind_to(), *port)).await {
        Ok(_) => return (Finding::good(Area::Serving, "port", format!("{key}: port {port} is free")), false),
        Err(error) => error,
    };
    let problem = |what: String, fix: &str| {
        Finding::problem(Area::Serving, "port", what).key(format!("{key}.port")).why("Bia does not start.").fix(fix)
    };
    let finding = match error.kind() {
        ErrorKind::AddrInUse if is_bia(listener).await => {
            return (Finding::good(Area::Serving, "port", format!("{key}: Bia is serving port {port}")), true);
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
    };
    (finding, false)
}

async fn socket(listener: &Listener<'_>, path: &Path) -> (Finding, bool) {
    let key = listener.key;
    if is_bia(listener).await {
        return (Finding::good(Area::Serving, "port", format!("{key}: Bia is serving {}", path.display())), true);
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if folder.is_dir() {
        return (Finding::good(Area::Serving, "port", format!("{key}: {} can be made", path.display())), false);
    }
    let finding = Finding::problem(Area::Serving, "port", format!("{key}: there is no folder {}", folder.display()))
        .key(format!("{key}.host"))
        .why("Bia does not start.")
        .fix(
            "Make the folder, writable for the user that runs Bia; RuntimeDirectory= of systemd does it at each start.",
        );
    (finding, false)
}

/// Only our own liveness answer counts; nothing else is read of it.
async fn is_bia(listener: &Listener<'_>) -> bool {
    let answer = listener.get("/health/alive").await;
    answer.is_some_and(|answer| answer.status == 200 && answer.json()["status"] == "ok")
}

/// What the server that runs says about itself: ready, of which version, with which configuration.
async fn running(admin: &Listener<'_>, fingerprint: Option<&str>) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(ready) = admin.get("/admin/health/ready").await.filter(|ready| ready.status != 200) {
        // The admin port's own words; they name no value.
        let told = ready.json();
        let why: Vec<&str> =
            told["errors"].as_object().into_iter().flatten().filter_map(|(_, why)| why.as_str()).collect();
        let why = if why.is_empty() { format!("it answers {}", ready.status) } else { why.join("; ") };
        findings.push(
            Finding::problem(Area::Serving, "not_ready", format!("Bia runs and is not ready: {why}"))
                .why("A proxy or an orchestrator that asks for readiness sends it nobody.")
                .fix("See the reason above, and the log."),
        );
    }
    let own = concat!("v", env!("CARGO_PKG_VERSION"));
    let theirs = admin.get("/admin/version").await.map(|answer| answer.json()["version"].as_str().map(str::to_owned));
    if let Some(Some(theirs)) = theirs.filter(|theirs| theirs.as_deref() != Some(own)) {
        let theirs: String = theirs.chars().filter(|letter| letter.is_ascii_graphic()).take(40).collect();
        findings.push(
            Finding::warning(Area::Serving, "other_version", format!("version {theirs} is running, and this is {own}"))
                .why("What is said here about configuration and database need not be true for the other version.")
                .fix("Restart the service after an upgrade, or run the doctor of the version that serves."),
        );
    }
    let in_use = admin.get("/admin/health/config").await.filter(|answer| answer.status == 200);
    if let (Some(fingerprint), Some(in_use)) = (fingerprint, in_use)
        && in_use.body.trim() != fingerprint
    {
        findings.push(
            Finding::warning(Area::Serving, "stale_configuration", "the server that runs has another configuration than this one")
                .why("What is said here is not about what people meet. It was edited since, an edit was refused, or the environment differs.")
                .fix("Look into the log for a refused edit, restart, or run the doctor with the service's environment."),
        );
    }
    findings
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
