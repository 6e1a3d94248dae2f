//! What takes effect and deserves a second look, and what never will.

use super::providers::plain_http;
use crate::config::Config;
use crate::finding::{Finding, KeyPath};
use crate::hooks::Hook;
use crate::oidc::AccountLinkingMode;
use crate::rules::PROVIDERS;

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
            findings.push(Finding::warning("automatic_linking", path.child("account_linking_mode"), message));
        }
        for path in plain_http(provider, &path) {
            let message = format!(
                "provider `{}` is reached over plain http: whoever is on the way can hand out keys of their own and sign in as anybody.",
                provider.id
            );
            findings.push(Finding::warning("http_issuer", path, message).help("Use https."));
        }
        if provider.recheck.is_some() && !provider.scope.iter().any(|scope| scope == "offline_access") {
            let message = "needs the scope `offline_access`: without a refresh token nobody is rechecked.";
            findings.push(Finding::warning("recheck_scope", path.child("recheck"), message));
        }
        if provider.additional_id_token_audiences.iter().any(String::is_empty) {
            let message = "lists an empty audience, which no token has.";
            findings.push(Finding::warning("empty_audience", path.child("additional_id_token_audiences"), message));
        }
    }
    let flows = &config.selfservice.flows;
    for (path, hooks) in [
        ("selfservice.flows.login.after.hooks", &flows.login.after.hooks),
        ("selfservice.flows.login.after.oidc.hooks", &flows.login.after.oidc.hooks),
        ("selfservice.flows.registration.after.hooks", &flows.registration.after.hooks),
        ("selfservice.flows.registration.after.oidc.hooks", &flows.registration.after.oidc.hooks),
        ("selfservice.flows.settings.after.profile.hooks", &flows.settings.after.profile.hooks),
    ] {
        for (index, hook) in hooks.iter().enumerate() {
            if let Some(message) = mail_hook(hook) {
                findings.push(Finding::warning("no_mail", KeyPath::of(path).child(index), message));
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
