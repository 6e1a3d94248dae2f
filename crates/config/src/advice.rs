//! What Kratos only finds at somebody's login, and what works but has a price. Nothing here stops a start by itself.

use crate::base_url::BaseUrl;
use crate::config::Config;
use crate::finding::{Finding, KeyPath};
use crate::hooks::Hook;

mod providers;
mod secrets;
mod warnings;

pub use secrets::is_placeholder;
pub(crate) use warnings::warnings;

/// Advice about a configuration that loads.
pub(crate) fn advice(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    addresses(config, &mut findings);
    method(config, &mut findings);
    providers::check(config, &mut findings);
    secrets::check(config, &mut findings);
    default_schema(config, &mut findings);
    cookies(config, &mut findings);
    findings
}

fn addresses(config: &Config, findings: &mut Vec<Finding>) {
    let redirect = "selfservice.methods.oidc.config.base_redirect_uri";
    let own = config.selfservice.methods.oidc.config.base_redirect_uri.as_ref();
    for (path, url) in [("serve.public.base_url", Some(config.public_url())), (redirect, own)] {
        let Some(url) = url else { continue };
        if let Some(message) = callback_fault(url) {
            findings.push(Finding::advice("callback_address", KeyPath::of(path), message).help(
                "Providers send people back to it: write the address browsers use, such as `https://id.example.com/`.",
            ));
        }
    }
}

/// Why an address cannot be what a callback URL starts with.
fn callback_fault(url: &BaseUrl) -> Option<&'static str> {
    if !url.is_usable() {
        return Some("cannot be a callback: expected an absolute http or https address with a host");
    }
    if url.url().query().is_some() || url.url().fragment().is_some() {
        return Some("cannot be a callback: a query or fragment does not survive the path added to it");
    }
    if !url.url().username().is_empty() || url.url().password().is_some() {
        return Some("cannot be a callback: user name and password do not belong into it");
    }
    if matches!(url.url().host_str(), Some("0.0.0.0" | "[::]")) {
        return Some("cannot be a callback: this address means every interface and nobody can call it");
    }
    None
}

fn method(config: &Config, findings: &mut Vec<Finding>) {
    let oidc = &config.selfservice.methods.oidc;
    let registration = &config.selfservice.flows.registration;
    if !oidc.enabled && !oidc.config.providers.is_empty() {
        findings.push(
            Finding::advice(
                "oidc_disabled",
                KeyPath::of("selfservice.methods.oidc.enabled"),
                "providers are configured, but the method is off",
            )
            .help("Set it to true."),
        );
    }
    if !oidc.enabled || oidc.config.providers.is_empty() || !registration.enabled {
        return;
    }
    if !registration.after.oidc.hooks.iter().any(|hook| matches!(hook, Hook::Session)) {
        findings.push(
            Finding::advice(
                "no_session_hook",
                KeyPath::of("selfservice.flows.registration.after.oidc.hooks"),
                "lists no `session` hook: new people are registered and end up signed out",
            )
            .help("Add `- hook: session` at the end."),
        );
    }
}

fn default_schema(config: &Config, findings: &mut Vec<Finding>) {
    if config.identity.schema(&config.identity.default_schema_id).is_none() {
        let message = "names no schema of the list: nobody can register";
        findings.push(Finding::advice("default_schema", KeyPath::of("identity.default_schema_id"), message));
    }
}

fn cookies(config: &Config, findings: &mut Vec<Finding>) {
    use crate::cookies::SameSite;
    for (path, cookie) in
        [("cookies.same_site", config.cookie()), ("session.cookie.same_site", config.session_cookie())]
    {
        match cookie.same_site {
            SameSite::None if !cookie.secure => {
                let message = "browsers drop a cookie with `SameSite=None` that is not `Secure`";
                findings.push(Finding::advice("same_site", KeyPath::of(path), message));
            }
            SameSite::Strict => {
                let message = "with `Strict`, browsers withhold the cookie when a provider sends people back";
                findings.push(Finding::advice("same_site", KeyPath::of(path), message).help("Use `Lax`."));
            }
            _ => {}
        }
    }
    let url = config.public_url();
    // Browsers treat loopback as secure.
    let is_local = matches!(url.url().host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    if !config.dev && url.is_usable() && !url.is_https() && !is_local && config.cookie().secure {
        let message = "is plain http, but cookies are `Secure`: browsers drop them and every sign-in fails";
        findings.push(
            Finding::advice("insecure_address", KeyPath::of("serve.public.base_url"), message)
                .help("Serve it over https, or run with `--dev` while developing."),
        );
    }
}
