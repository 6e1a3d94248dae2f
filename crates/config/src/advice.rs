//! What Kratos only finds at somebody's login, and what works but has a price. Nothing here stops a start by itself.

use std::collections::BTreeMap;

use secrecy::ExposeSecret as _;

use crate::base_url::BaseUrl;
use crate::config::Config;
use crate::finding::{Finding, KeyPath};
use crate::hooks::Hook;
use crate::oidc::{AccountLinkingMode, OidcProvider, ProviderKind, is_guid};
use crate::rules::PROVIDERS;
use crate::source::Source;

/// Advice about a configuration that loads.
pub(crate) fn advice(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    addresses(config, &mut findings);
    method(config, &mut findings);
    names(config, &mut findings);
    for (index, provider) in config.providers().iter().enumerate() {
        let path = KeyPath::of(PROVIDERS).child(index);
        mapper(&provider.mapper_url, &path, &mut findings);
        settings(config, provider, &path, &mut findings);
        secrets(provider, &path, &mut findings);
    }
    default_schema(config, &mut findings);
    cookies(config, &mut findings);
    web_hooks(config, &mut findings);
    findings
}

/// Warnings that need the typed configuration: what takes effect and deserves a second look, and what never will.
pub(crate) fn warnings(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, provider) in config.providers().iter().enumerate() {
        let path = KeyPath::of(PROVIDERS).child(index);
        if provider.account_linking_mode == AccountLinkingMode::Automatic {
            let message = format!(
                "provider `{}` is linked to an existing identity without asking when both sides prove the same address.",
                provider.id
            );
            findings.push(Finding::warning(
                "automatic_linking",
                path.child("account_linking_mode"),
                message,
            ));
        }
        if provider.recheck.is_some()
            && !provider.scope.iter().any(|scope| scope == "offline_access")
        {
            let message =
                "needs the scope `offline_access`: without a refresh token nobody is rechecked.";
            findings.push(Finding::warning(
                "recheck_scope",
                path.child("recheck"),
                message,
            ));
        }
        if provider
            .additional_id_token_audiences
            .iter()
            .any(String::is_empty)
        {
            let message = "lists an empty audience, which no token has.";
            findings.push(Finding::warning(
                "empty_audience",
                path.child("additional_id_token_audiences"),
                message,
            ));
        }
    }
    let flows = &config.selfservice.flows;
    for (path, hooks) in [
        (
            "selfservice.flows.login.after.hooks",
            &flows.login.after.hooks,
        ),
        (
            "selfservice.flows.login.after.oidc.hooks",
            &flows.login.after.oidc.hooks,
        ),
        (
            "selfservice.flows.registration.after.hooks",
            &flows.registration.after.hooks,
        ),
        (
            "selfservice.flows.registration.after.oidc.hooks",
            &flows.registration.after.oidc.hooks,
        ),
        (
            "selfservice.flows.settings.after.profile.hooks",
            &flows.settings.after.profile.hooks,
        ),
    ] {
        for (index, hook) in hooks.iter().enumerate() {
            if let Some(message) = mail_hook(hook) {
                findings.push(Finding::warning(
                    "no_mail",
                    KeyPath::of(path).child(index),
                    message,
                ));
            }
        }
    }
    findings
}

fn mail_hook(hook: &Hook) -> Option<&'static str> {
    match hook {
        Hook::RequireVerifiedAddress => Some(
            "Bia sends no mail: people without an address that a mapper verified are refused and cannot verify one here.",
        ),
        Hook::ShowVerificationUi => Some("does nothing: Bia sends no mail."),
        Hook::Verification | Hook::VerifyNewAddress | Hook::NotifyPreviousAddresses => {
            Some("does nothing: Bia sends no mail.")
        }
        _ => None,
    }
}

fn addresses(config: &Config, findings: &mut Vec<Finding>) {
    let redirect = "selfservice.methods.oidc.config.base_redirect_uri";
    let own = config
        .selfservice
        .methods
        .oidc
        .config
        .base_redirect_uri
        .as_ref();
    for (path, url) in [
        ("serve.public.base_url", Some(config.public_url())),
        (redirect, own),
    ] {
        let Some(url) = url else { continue };
        if let Some(message) = callback_fault(url) {
            findings.push(
                Finding::advice("callback_address", KeyPath::of(path), message)
                    .help("Providers send people back to it: write the address browsers use, such as `https://id.example.com/`."),
            );
        }
    }
}

/// Why an address cannot be what a callback URL starts with.
fn callback_fault(url: &BaseUrl) -> Option<&'static str> {
    if !url.is_usable() {
        return Some(
            "cannot be a callback: expected an absolute http or https address with a host",
        );
    }
    if url.url().query().is_some() || url.url().fragment().is_some() {
        return Some(
            "cannot be a callback: a query or fragment does not survive the path added to it",
        );
    }
    if !url.url().username().is_empty() || url.url().password().is_some() {
        return Some("cannot be a callback: user name and password do not belong into it");
    }
    if matches!(url.url().host_str(), Some("0.0.0.0" | "[::]")) {
        return Some(
            "cannot be a callback: this address means every interface and nobody can call it",
        );
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
    if !registration
        .after
        .oidc
        .hooks
        .iter()
        .any(|hook| matches!(hook, Hook::Session))
    {
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

/// Ids and domains that two providers claim.
fn names(config: &Config, findings: &mut Vec<Finding>) {
    let mut ids: BTreeMap<&str, usize> = BTreeMap::new();
    let mut domains: BTreeMap<String, usize> = BTreeMap::new();
    for (index, provider) in config.providers().iter().enumerate() {
        let path = KeyPath::of(PROVIDERS).child(index);
        let aliases = provider
            .aliases
            .iter()
            .enumerate()
            .map(|(at, alias)| (alias.as_str(), path.child("aliases").child(at)));
        for (id, path) in std::iter::once((provider.id.as_str(), path.child("id"))).chain(aliases) {
            if let Some(first) = ids.get(id) {
                let message = format!(
                    "another provider (number {first} of the list, from 0) answers to this id and wins"
                );
                findings.push(
                    Finding::advice("duplicate_provider_id", path, message)
                        .help("Give each provider an id of its own."),
                );
            } else {
                ids.insert(id, index);
            }
        }
        if provider.id.is_empty() || provider.id.contains(['/', '?', '#', '%', ' ', ':']) {
            let message = "cannot stand in a callback URL and in stored links";
            findings.push(
                Finding::advice("provider_id", path.child("id"), message)
                    .help("Use letters, digits, `-` and `_`."),
            );
        }
        for (at, domain) in provider.microsoft.home_realm_domains.iter().enumerate() {
            if domains
                .insert(domain.to_ascii_lowercase(), index)
                .is_some_and(|first| first != index)
            {
                let path = path
                    .child("microsoft")
                    .child("home_realm_domains")
                    .child(at);
                let message = "another provider claims this domain, so people of it are sent to the first of the two";
                findings.push(Finding::advice("duplicate_domain", path, message));
            }
        }
    }
}

fn mapper(source: &Source, path: &KeyPath, findings: &mut Vec<Finding>) {
    let message = match source {
        Source::File(file) => std::fs::File::open(file)
            .err()
            .map(|error| format!("cannot read the mapper: {error}")),
        Source::Base64(_) => source
            .decode()
            .and_then(Result::err)
            .map(|error| error.to_string()),
        Source::Http(_) => None,
        Source::Other(_) => Some(
            "no mapper can be read from this: expected `file://…`, `base64://…` or `https://…`"
                .to_owned(),
        ),
    };
    if let Some(message) = message {
        let finding = Finding::advice("mapper_source", path.child("mapper_url"), message);
        findings.push(match source {
            Source::File(_) => finding.help("A path after `file://` is relative to the working directory; `file:///…` is absolute."),
            _ => finding,
        });
    }
}

fn settings(config: &Config, provider: &OidcProvider, path: &KeyPath, findings: &mut Vec<Finding>) {
    if config.credentials_of(provider).client_id.trim().is_empty() {
        findings.push(Finding::advice(
            "empty_client_id",
            path.child("client_id"),
            "is empty",
        ));
    }
    if provider.provider == ProviderKind::Generic
        && provider.issuer_url.as_deref().is_none_or(str::is_empty)
    {
        findings.push(
            Finding::advice(
                "missing_issuer",
                path.child("issuer_url"),
                "`generic` finds its endpoints from the issuer, which is missing",
            )
            .help("Give the address before `/.well-known/openid-configuration`."),
        );
    }
    if let Some(tenant) = provider.microsoft_tenant.as_deref() {
        let reserved = ["common", "organizations", "consumers"];
        let lower = tenant.trim().to_ascii_lowercase();
        let at = path.child("microsoft_tenant");
        if tenant.trim().is_empty() {
            findings.push(
                Finding::advice("empty_tenant", at, "is empty: nobody can sign in").help(
                    "Give the tenant's id or domain, `organizations`, `consumers` or `common`.",
                ),
            );
        } else if reserved.contains(&lower.as_str()) && lower != tenant {
            findings.push(
                Finding::advice("tenant_case", at, "is a reserved word in another spelling")
                    .help(format!("Write `{lower}`.")),
            );
        } else if tenant.contains(['/', ':', ' ']) {
            findings.push(
                Finding::advice("tenant_form", at, "is neither a tenant id nor a domain")
                    .help("An address of the portal is not the tenant."),
            );
        }
    }
    if provider
        .scope
        .iter()
        .any(|scope| scope.contains([' ', ',']))
    {
        findings.push(
            Finding::advice(
                "scope_form",
                path.child("scope"),
                "has several scopes in one item",
            )
            .help("Write one scope per item."),
        );
    }
}

fn secrets(provider: &OidcProvider, path: &KeyPath, findings: &mut Vec<Finding>) {
    let secret = provider
        .client_secret
        .as_ref()
        .map(|secret| secret.expose_secret());
    if secret.is_some_and(str::is_empty) {
        findings.push(
            Finding::advice("empty_secret", path.child("client_secret"), "is empty")
                .help("Is the variable set that fills it?"),
        );
    }
    if provider.provider != ProviderKind::Microsoft {
        return;
    }
    let help = "The portal shows the value once, when the secret is made: make a new one and copy the column `Value`.";
    let listed = provider.client_secrets.iter().enumerate();
    let all = secret
        .map(|secret| (secret, path.child("client_secret")))
        .into_iter()
        .chain(listed.map(|(at, secret)| {
            (
                secret.expose_secret(),
                path.child("client_secrets").child(at),
            )
        }));
    for (_, path) in all.filter(|(secret, _)| is_guid(secret)) {
        let message = "looks like the id of a secret, not like its value";
        findings.push(Finding::advice("secret_id", path, message).help(help));
    }
}

fn default_schema(config: &Config, findings: &mut Vec<Finding>) {
    if config
        .identity
        .schema(&config.identity.default_schema_id)
        .is_none()
    {
        let message = "names no schema of the list: nobody can register";
        findings.push(Finding::advice(
            "default_schema",
            KeyPath::of("identity.default_schema_id"),
            message,
        ));
    }
}

fn cookies(config: &Config, findings: &mut Vec<Finding>) {
    use crate::cookies::SameSite;
    for (path, cookie) in [
        ("cookies.same_site", config.cookie()),
        ("session.cookie.same_site", config.session_cookie()),
    ] {
        match cookie.same_site {
            SameSite::None if !cookie.secure => {
                let message = "browsers drop a cookie with `SameSite=None` that is not `Secure`";
                findings.push(Finding::advice("same_site", KeyPath::of(path), message));
            }
            SameSite::Strict => {
                let message =
                    "with `Strict`, browsers withhold the cookie when a provider sends people back";
                findings.push(
                    Finding::advice("same_site", KeyPath::of(path), message).help("Use `Lax`."),
                );
            }
            _ => {}
        }
    }
    let url = config.public_url();
    // Browsers treat loopback as secure.
    let is_local = matches!(
        url.url().host_str(),
        Some("localhost" | "127.0.0.1" | "[::1]")
    );
    if !config.dev && url.is_usable() && !url.is_https() && !is_local && config.cookie().secure {
        let message =
            "is plain http, but cookies are `Secure`: browsers drop them and every sign-in fails";
        findings.push(
            Finding::advice(
                "insecure_address",
                KeyPath::of("serve.public.base_url"),
                message,
            )
            .help("Serve it over https, or run with `--dev` while developing."),
        );
    }
}

/// Kratos: a web hook that parses its answer never runs from these two lists.
fn web_hooks(config: &Config, findings: &mut Vec<Finding>) {
    let flows = &config.selfservice.flows;
    for (path, hooks) in [
        (
            "selfservice.flows.registration.after.hooks",
            &flows.registration.after.hooks,
        ),
        (
            "selfservice.flows.settings.after.hooks",
            &flows.settings.after.hooks,
        ),
    ] {
        for (index, hook) in hooks.iter().enumerate() {
            if matches!(hook, Hook::WebHook(config) if config.response.parse || config.can_interrupt)
            {
                let message =
                    "a web hook that parses its answer never runs from this list in Kratos";
                findings.push(
                    Finding::advice(
                        "web_hook_never_runs",
                        KeyPath::of(path).child(index),
                        message,
                    )
                    .help("Put it into the list of a method: `oidc`."),
                );
            }
        }
    }
}
