//! Cookies that browsers drop, or that reach more hosts than meant.

use crate::finding::{Area, Finding};
use bia_config::{Config, CookieAttributes, SameSite};
use std::net::IpAddr;
use url::Url;

pub(crate) fn check(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    let url = config.public_url().url();
    let host = url.host_str().unwrap_or_default().to_owned();
    for (block, cookie) in [("cookies", config.cookie()), ("session.cookie", config.session_cookie())] {
        findings.extend(domain(block, &cookie, &host));
        findings.extend(path(block, &cookie, url));
        if cookie.same_site == SameSite::None {
            findings.push(
                Finding::warning(Area::Cookies, "same_site_none", "`SameSite=None` sends the cookie with requests of every site")
                    .key(format!("{block}.same_site"))
                    .why("Browsers that block third-party cookies drop it, and other sites can make requests in people's names.")
                    .fix("Use `Lax`, and serve user interface and API under one registrable domain."),
            );
        }
    }
    findings.dedup_by(|a, b| a.what == b.what && a.code == "cookie_domain");
    findings.extend(user_interfaces(config, &host));
    if findings.is_empty() {
        findings.push(Finding::good(Area::Cookies, "cookies", "domain, path and SameSite fit the public address"));
    }
    findings
}

fn domain(block: &str, cookie: &CookieAttributes<'_>, host: &str) -> Option<Finding> {
    let domain = cookie.domain.trim_start_matches('.');
    if domain.is_empty() {
        return None;
    }
    let problem = |what: String| {
        Finding::problem(Area::Cookies, "cookie_domain", what)
            .key(format!("{block}.domain"))
            .why("Browsers drop such a cookie without a word, so that every callback ends with an error.")
            .fix("Leave the domain out unless several hosts below it need the session; then name their common parent.")
    };
    let bare = host.trim_matches(['[', ']']);
    if bare.parse::<IpAddr>().is_ok() || host == "localhost" {
        return Some(problem(format!("a cookie domain is set, but the public address is {host}, which takes none")));
    }
    if !host.eq_ignore_ascii_case(domain)
        && !host.to_ascii_lowercase().ends_with(&format!(".{}", domain.to_ascii_lowercase()))
    {
        return Some(problem(format!("the cookie domain {domain} does not contain the public host {host}")));
    }
    if !domain.contains('.') {
        return Some(problem(format!("the cookie domain {domain} is a top-level domain")));
    }
    None
}

fn path(block: &str, cookie: &CookieAttributes<'_>, url: &Url) -> Option<Finding> {
    let own = url.path().trim_end_matches('/');
    let path = cookie.path.trim_end_matches('/');
    let covers = path.is_empty() || own == path || own.starts_with(&format!("{path}/"));
    (!covers).then(|| {
        Finding::problem(
            Area::Cookies,
            "cookie_path",
            format!("the cookie path {} is not above the public address {url}", cookie.path),
        )
        .key(format!("{block}.path"))
        .why("Browsers do not send the cookie to the callback, so that every sign-in ends with an error.")
        .fix("Use `/`, or the path of serve.public.base_url.")
    })
}

/// Pages on another site get no `Lax` cookie with their requests. The last two labels stand for the registrable
/// domain, which is wrong for a few public suffixes: hence a warning.
fn user_interfaces(config: &Config, host: &str) -> Vec<Finding> {
    let flows = &config.selfservice.flows;
    let pages = [
        ("login", &flows.login.ui_url),
        ("registration", &flows.registration.ui_url),
        ("settings", &flows.settings.ui_url),
    ];
    let mut findings = Vec::new();
    for (flow, page) in pages {
        let Some(other) = Url::parse(page).ok().and_then(|url| url.host_str().map(str::to_owned)) else {
            continue;
        };
        if site(&other) != site(host) {
            findings.push(
                Finding::warning(
                    Area::Cookies,
                    "other_site",
                    format!("the {flow} page is on {other}, another site than {host}"),
                )
                .key(format!("selfservice.flows.{flow}.ui_url"))
                .why("Its scripts get no cookies with their requests, so flows can't be read from the browser there.")
                .fix("Serve both under one domain, such as app.example.com and id.example.com; or fetch flows on the page's own server."),
            );
        }
    }
    findings
}

fn site(host: &str) -> String {
    if host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok() {
        return host.to_owned();
    }
    let labels: Vec<&str> = host.rsplit('.').take(2).collect();
    labels.join(".").to_ascii_lowercase()
}
