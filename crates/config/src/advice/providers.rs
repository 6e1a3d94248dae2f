//! Advice about the entries of the provider list.

use std::collections::BTreeMap;

use secrecy::ExposeSecret as _;
use url::Url;

use super::secrets::is_placeholder;
use crate::config::Config;
use crate::finding::{Finding, KeyPath};
use crate::microsoft::GroupFormat;
use crate::oidc::{OidcProvider, ProviderKind, is_guid};
use crate::rules::PROVIDERS;
use crate::source::Source;

/// Advice about every provider and about what they share.
pub(super) fn check(config: &Config, findings: &mut Vec<Finding>) {
    names(config, findings);
    for (index, provider) in config.providers().iter().enumerate() {
        let path = KeyPath::of(PROVIDERS).child(index);
        mapper(&provider.mapper_url, &path, findings);
        settings(config, provider, &path, findings);
        group_names(provider, &path, findings);
        secrets(provider, &path, findings);
    }
}

/// Ids that two providers claim.
fn names(config: &Config, findings: &mut Vec<Finding>) {
    let mut ids: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, provider) in config.providers().iter().enumerate() {
        let path = KeyPath::of(PROVIDERS).child(index);
        let aliases =
            provider.aliases.iter().enumerate().map(|(at, alias)| (alias.as_str(), path.child("aliases").child(at)));
        for (id, path) in std::iter::once((provider.id.as_str(), path.child("id"))).chain(aliases) {
            if let Some(first) = ids.get(id) {
                let message =
                    format!("another provider (number {first} of the list, from 0) answers to this id and wins");
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
                Finding::advice("provider_id", path.child("id"), message).help("Use letters, digits, `-` and `_`."),
            );
        }
    }
}

fn mapper(source: &Source, path: &KeyPath, findings: &mut Vec<Finding>) {
    let message = match source {
        Source::File(file) => std::fs::File::open(file).err().map(|error| format!("cannot read the mapper: {error}")),
        Source::Base64(_) => source.decode().and_then(Result::err).map(|error| error.to_string()),
        Source::Http(_) => None,
        Source::Other(_) => {
            Some("no mapper can be read from this: expected `file://…`, `base64://…` or `https://…`".to_owned())
        }
    };
    if let Some(message) = message {
        let finding = Finding::advice("mapper_source", path.child("mapper_url"), message);
        findings.push(match source {
            Source::File(_) => {
                finding.help("A path after `file://` is relative to the working directory; `file:///…` is absolute.")
            }
            _ => finding,
        });
    }
}

fn settings(config: &Config, provider: &OidcProvider, path: &KeyPath, findings: &mut Vec<Finding>) {
    if config.credentials_of(provider).client_id.trim().is_empty() {
        findings.push(Finding::advice("empty_client_id", path.child("client_id"), "is empty"));
    }
    if provider.provider == ProviderKind::Generic && provider.issuer_url.as_deref().is_none_or(str::is_empty) {
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
                Finding::advice("empty_tenant", at, "is empty: nobody can sign in")
                    .help("Give the tenant's id or domain, `organizations`, `consumers` or `common`."),
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
    if provider.scope.iter().any(|scope| scope.contains([' ', ','])) {
        findings.push(
            Finding::advice("scope_form", path.child("scope"), "has several scopes in one item")
                .help("Write one scope per item."),
        );
    }
}

/// A name in a list of what may be told or trusted is not proof of the group behind it.
fn group_names(provider: &OidcProvider, path: &KeyPath, findings: &mut Vec<Finding>) {
    let Some(groups) = &provider.microsoft.groups else { return };
    if groups.format == GroupFormat::Name && !groups.allowed.is_empty() {
        let at = path.child("microsoft").child("groups").child("allowed");
        let message = "lists display names, which are not unique: whoever may create groups can take one of them";
        findings.push(
            Finding::advice("group_names", at, message)
                .help("Write the groups' object ids, and leave `format` out or set it to `id`."),
        );
    }
}

/// Keys of a provider's addresses that lead over plain http to another machine; a stand-in on this one is fine.
pub(super) fn plain_http(provider: &OidcProvider, path: &KeyPath) -> Vec<KeyPath> {
    if !provider.enabled {
        return Vec::new();
    }
    let microsoft = path.child("microsoft");
    let addresses = match provider.provider {
        ProviderKind::Microsoft => vec![
            (microsoft.child("authority_host"), Some(provider.microsoft.authority_host())),
            (microsoft.child("graph_host"), Some(provider.microsoft.graph_host())),
        ],
        _ => vec![(path.child("issuer_url"), provider.issuer_url.as_deref())],
    };
    addresses.into_iter().filter(|(_, url)| url.is_some_and(is_plain_http)).map(|(path, _)| path).collect()
}

fn is_plain_http(url: &str) -> bool {
    Url::parse(url)
        .is_ok_and(|url| url.scheme() == "http" && !matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]")))
}

fn secrets(provider: &OidcProvider, path: &KeyPath, findings: &mut Vec<Finding>) {
    let secret = provider.client_secret.as_ref().map(|secret| secret.expose_secret());
    if secret.is_some_and(str::is_empty) {
        findings.push(
            Finding::advice("empty_secret", path.child("client_secret"), "is empty")
                .help("Is the variable set that fills it?"),
        );
    }
    let listed = provider.client_secrets.iter().enumerate();
    let all = secret
        .map(|secret| (secret, path.child("client_secret")))
        .into_iter()
        .chain(listed.map(|(at, secret)| (secret.expose_secret(), path.child("client_secrets").child(at))));
    for (secret, path) in all {
        // An entry that is off may wait for its secret.
        if provider.enabled && is_placeholder(secret) {
            let message = "is a placeholder that nothing replaced: the provider refuses it";
            findings.push(
                Finding::advice("secret_placeholder", path, message).help(
                    "Write the value of the secret, set the variable that fills it, or use `client_secret_file`.",
                ),
            );
        } else if provider.provider == ProviderKind::Microsoft && is_guid(secret) {
            let message = "looks like the id of a secret, not like its value";
            findings.push(Finding::advice("secret_id", path, message).help(
                "The portal shows the value once, when the secret is made: make a new one and copy the column `Value`.",
            ));
        }
    }
}
