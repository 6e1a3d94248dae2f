//! The way that browsers take: does the public address lead to this Bia, does Bia learn by which address they came,
//! and does the way end at the public port?

use super::tls;
use crate::examination::Patient;
use crate::finding::{Area, Finding};
use bia_outbound::{Answer, OutboundError};
use serde_json::Value;
use std::time::Duration;
use url::Url;

const TIMEOUT: Duration = Duration::from_secs(10);
const SIZE_MAX: usize = 256 * 1024;
const ADDRESS: &str = "serve.public.base_url";

/// Asked only while Bia serves: before, there is nothing behind the address.
pub(crate) async fn check(patient: &Patient<'_>) -> Vec<Finding> {
    let url = patient.config().public_url().url();
    let mut findings = Vec::new();
    if url.scheme() == "https" {
        findings.extend(tls::own(patient, url).await);
    }
    let answer = match ask(patient, "health/alive").await {
        // Private addresses are off limits for this configuration, and so for its doctor.
        Err(OutboundError::PrivateAddress { .. }) => return findings,
        Err(error) => {
            findings.push(unreachable(url, &error));
            return findings;
        }
        Ok(answer) => answer,
    };
    if answer.status != 200 || answer.json::<Value>().unwrap_or_default()["status"] != "ok" {
        findings.push(somebody_else(url, &answer));
        return findings;
    }
    findings.extend(admin_public(patient, url).await);
    findings.push(forwarded(patient, url).await);
    findings
}

async fn ask(patient: &Patient<'_>, path: &str) -> Result<Answer, OutboundError> {
    let address = patient.config().public_url().join_path(&format!("/{path}"));
    patient.outbound.get(address).timeout(TIMEOUT).limit(SIZE_MAX).send().await
}

fn unreachable(url: &Url, error: &OutboundError) -> Finding {
    Finding::warning(Area::Network, "public_unreachable", format!("{url} can't be reached from here: {error}"))
        .key(ADDRESS)
        .why("Either nobody can sign in, or only this machine can't reach its own public address.")
        .fix("Open it in a browser. If that works, nothing is wrong; many routers lead no way back inside.")
}

fn somebody_else(url: &Url, answer: &Answer) -> Finding {
    let what = match answer.status {
        301 | 302 | 303 | 307 | 308 => format!("{url} sends everybody on to another address"),
        502..=504 => format!("the proxy at {url} does not reach Bia (it answers {})", answer.status),
        status => format!("something else than Bia answers at {url} (with {status})"),
    };
    Finding::problem(Area::Network, "public_other", what)
        .key(ADDRESS)
        .why("Callbacks and links lead there, so nobody can finish a sign-in.")
        .fix("Let the proxy pass this host and path on to serve.public.port without cutting the path, or correct the address.")
}

/// Asks for nobody: an empty list is proof enough, and no personal data travels.
async fn admin_public(patient: &Patient<'_>, url: &Url) -> Option<Finding> {
    let answer = ask(patient, "admin/identities?ids=00000000-0000-0000-0000-000000000000").await.ok()?;
    (answer.status == 200 && answer.json::<Value>().is_ok_and(|body| body.is_array())).then(|| {
        Finding::problem(Area::Network, "admin_public", format!("the admin API answers at {url}"))
            .key(ADDRESS)
            .why("It has no password: anybody can read, change and delete every identity, and sign in as anybody.")
            .fix("Let the proxy pass nothing on to serve.admin.port. Then look through the access log for /admin.")
    })
}

/// Begins a login flow, which expires by itself: it tells by which address Bia thinks that it was asked.
async fn forwarded(patient: &Patient<'_>, url: &Url) -> Finding {
    let answer = ask(patient, "self-service/login/api").await.ok();
    let flow = answer.and_then(|answer| answer.json::<Value>().ok()).unwrap_or_default();
    let seen = flow["request_url"].as_str().and_then(|text| Url::parse(text).ok());
    let Some(seen) = seen else {
        return Finding::warning(Area::Network, "public_flow", format!("no login begins at {url}"))
            .key(ADDRESS)
            .why("Apps can't sign in. The address answers, but not for this path.")
            .fix("Let the proxy pass every path below the public address on, and GET without a body.");
    };
    let warning = |what: String, fix: &str| {
        Finding::warning(Area::Network, "forwarded", what)
            .key("bia.trusted_proxies")
            .why("Sessions show the proxy's address for everybody, limits per address hit all at once, and further callback hosts are not recognised.")
            .fix(fix)
    };
    let host = |url: &Url| {
        format!(
            "{}{}",
            url.host_str().unwrap_or_default(),
            url.port().map(|port| format!(":{port}")).unwrap_or_default()
        )
    };
    if host(&seen) != host(url) {
        let what = format!("browsers come by {}, and Bia is told {}", host(url), host(&seen));
        return warning(
            what,
            "Let the proxy keep the Host header (nginx: `proxy_set_header Host $host`), or send X-Forwarded-Host and be listed in bia.trusted_proxies.",
        );
    }
    if seen.scheme() != url.scheme() {
        let what = format!("browsers come by {}, and Bia is told {}", url.scheme(), seen.scheme());
        return warning(
            what,
            "Let the proxy send X-Forwarded-Proto, and list the address from which it connects in bia.trusted_proxies.",
        );
    }
    Finding::good(Area::Network, "public", format!("{url} leads here, with the right scheme and host"))
}
