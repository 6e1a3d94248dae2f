//! Conditions between the keys of one provider.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::at;
use crate::finding::{Finding, KeyPath};

/// Where the list of providers stands.
pub(crate) const PROVIDERS: &str = "selfservice.methods.oidc.config.providers";

/// Kratos' other provider names, and the issuer for `generic` where that provider speaks OpenID Connect.
const OTHERS: [(&str, Option<&str>); 20] = [
    ("github-app", None),
    ("discord", Some("https://discord.com")),
    ("salesforce", Some("https://login.salesforce.com")),
    ("slack", Some("https://slack.com")),
    ("facebook", Some("https://www.facebook.com")),
    ("auth0", Some("https://<your tenant>.auth0.com/")),
    ("vk", None),
    ("yandex", None),
    ("spotify", None),
    ("netid", Some("https://broker.netid.de/")),
    ("dingtalk", None),
    ("patreon", None),
    ("line", Some("https://access.line.me")),
    ("linkedin", Some("https://www.linkedin.com/oauth")),
    ("linkedin_v2", Some("https://www.linkedin.com/oauth")),
    ("lark", None),
    ("x", None),
    ("fedcm-test", None),
    ("amazon", None),
    ("uaepass", None),
];

pub(super) fn check(root: &Value, findings: &mut Vec<Finding>) {
    let list = KeyPath::of(PROVIDERS);
    let providers: Vec<&Value> = at(root, PROVIDERS).and_then(Value::as_array).into_iter().flatten().collect();
    for (index, provider) in providers.iter().enumerate() {
        if let Some(keys) = provider.as_object() {
            let path = list.child(index);
            kind(keys, &path, findings);
            credentials(keys, &path, &providers, findings);
            own_keys(keys, &path, findings);
        }
    }
    home_realm_domains(&providers, findings);
}

/// A domain leads to one provider: with two, where people are sent would depend on the order of the list.
fn home_realm_domains(providers: &[&Value], findings: &mut Vec<Finding>) {
    let mut owners: BTreeMap<String, usize> = BTreeMap::new();
    for (index, provider) in providers.iter().enumerate() {
        let domains = provider.pointer("/microsoft/home_realm_domains").and_then(Value::as_array);
        for (at, domain) in domains.into_iter().flatten().enumerate() {
            let Some(domain) = domain.as_str() else { continue };
            let owner = *owners.entry(domain.to_ascii_lowercase()).or_insert(index);
            if owner == index {
                continue;
            }
            let id = |index: usize| providers[index].get("id").and_then(Value::as_str).unwrap_or("without an id");
            let path = KeyPath::of(PROVIDERS).child(index).child("microsoft").child("home_realm_domains").child(at);
            let message = format!(
                "both provider `{}` and provider `{}` claim this domain; only one of them can",
                id(owner),
                id(index)
            );
            findings.push(Finding::error("duplicate_domain", path, message).help("Remove it from one of the two."));
        }
    }
}

fn text<'a>(keys: &'a Map<String, Value>, key: &str) -> &'a str {
    keys.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn missing(path: &KeyPath, key: &str, why: &str) -> Finding {
    Finding::error("missing_key", path.child(key), format!("`{key}` is required {why} and missing"))
}

fn forbidden(path: &KeyPath, key: &str, why: &str) -> Finding {
    Finding::error("forbidden_key", path.child(key), format!("`{key}` cannot stand here: {why}")).help("Remove it.")
}

fn kind(keys: &Map<String, Value>, path: &KeyPath, findings: &mut Vec<Finding>) {
    let kind = text(keys, "provider");
    if let Some((_, issuer)) = OTHERS.iter().find(|(name, _)| *name == kind) {
        findings.push(other_kind(kind, *issuer, path));
        return;
    }
    // Kratos: `microsoft_tenant` belongs to `microsoft`, always and only.
    match (kind == "microsoft", keys.contains_key("microsoft_tenant")) {
        (true, false) => {
            findings.push(missing(path, "microsoft_tenant", "for `provider: microsoft`").help(
                "Give the tenant's id or domain; `organizations`, `consumers` and `common` let several tenants in.",
            ))
        }
        (false, true) => {
            findings.push(forbidden(path, "microsoft_tenant", "it belongs to `provider: microsoft` alone"))
        }
        _ => {}
    }
    if kind != "microsoft" && keys.contains_key("microsoft") {
        findings.push(forbidden(path, "microsoft", "it belongs to `provider: microsoft` alone"));
    }
    for key in ["apple_team_id", "apple_private_key_id", "apple_private_key"] {
        if kind == "apple" && !keys.contains_key(key) {
            findings.push(missing(path, key, "for `provider: apple`"));
        } else if kind != "apple" && !text(keys, key).is_empty() {
            findings.push(forbidden(path, key, "it belongs to `provider: apple` alone"));
        }
    }
}

fn other_kind(kind: &str, issuer: Option<&str>, path: &KeyPath) -> Finding {
    let message = format!("`{kind}` is a provider of Kratos that Bia has no code of its own for");
    let finding = Finding::error("other_provider", path.child("provider"), message);
    match (kind, issuer) {
        (_, Some(issuer)) => finding.help(format!(
            "It speaks OpenID Connect: use `provider: generic` with `issuer_url: {issuer}`, and keep the id."
        )),
        ("github-app", None) => finding.help("Use `provider: github` with an OAuth app."),
        ("fedcm-test", None) => finding.help("It is Kratos' own test provider: remove it."),
        _ => finding
            .help("It does not speak OpenID Connect: put a broker that does in between and use `provider: generic`."),
    }
}

fn credentials(keys: &Map<String, Value>, path: &KeyPath, providers: &[&Value], findings: &mut Vec<Finding>) {
    if let Some(other) = keys.get("credentials_from").and_then(Value::as_str) {
        let lender =
            providers.iter().filter_map(|provider| provider.as_object()).find(|provider| text(provider, "id") == other);
        if lender.is_none_or(|lender| lender.contains_key("credentials_from")) {
            let message = "must name the id of a provider that has a client id and secret of its own";
            findings.push(Finding::error("credentials_from", path.child("credentials_from"), message));
        }
        return;
    }
    if !keys.contains_key("client_id") {
        findings.push(missing(path, "client_id", "here"));
    }
    let microsoft = |key: &str| keys.get("microsoft").and_then(|block| block.get(key)).is_some();
    let replaced = keys.contains_key("client_secret_file")
        || keys.get("client_secrets").and_then(Value::as_array).is_some_and(|secrets| !secrets.is_empty())
        || microsoft("client_certificate")
        || microsoft("federated_token_file");
    // Kratos: Apple's secret is made from its key; everybody else needs one.
    if text(keys, "provider") == "apple" {
        if !text(keys, "client_secret").is_empty() {
            findings.push(forbidden(path, "client_secret", "Apple's is made from `apple_private_key`"));
        }
    } else if !keys.contains_key("client_secret") && !replaced {
        findings.push(missing(path, "client_secret", "here").help("`client_secret_file` may take its place."));
    }
}

fn own_keys(keys: &Map<String, Value>, path: &KeyPath, findings: &mut Vec<Finding>) {
    let is_empty = |value: Option<&Value>| match value {
        Some(Value::Array(items)) => items.is_empty(),
        Some(Value::Object(entries)) => entries.is_empty(),
        _ => true,
    };
    if text(keys, "sign_up") == "allow_list" && is_empty(keys.get("sign_up_domains")) {
        findings.push(
            missing(path, "sign_up_domains", "by `sign_up: allow_list`").help("List e-mail domains: `[contoso.com]`."),
        );
    }
    let Some(microsoft) = keys.get("microsoft").and_then(Value::as_object) else {
        return;
    };
    // Without the list a tenant could vouch for anybody's address, the nOAuth attack.
    if text(microsoft, "email_verified_from") == "tenant" && is_empty(microsoft.get("trusted_domains")) {
        findings.push(
            missing(&path.child("microsoft"), "trusted_domains", "by `email_verified_from: tenant`")
                .help("List the domains of each trusted tenant: `{ <tenant id>: [contoso.com] }`."),
        );
    }
    for tenant in
        microsoft.get("trusted_domains").and_then(Value::as_object).into_iter().flatten().map(|(tenant, _)| tenant)
    {
        if !crate::oidc::is_guid(tenant) {
            let at = path.child("microsoft").child("trusted_domains").child(tenant);
            findings.push(Finding::error("tenant_id", at, "expected a tenant id, as in the `tid` claim of its tokens"));
        }
    }
}
