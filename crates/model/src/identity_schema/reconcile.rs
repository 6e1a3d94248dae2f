//! Addresses and credentials that follow from the traits, brought into an identity.

use super::rule::{Items, RuleId, Rules};
use super::{Derived, DerivedAddress, normalise};
use crate::credentials::{Credentials, CredentialsType};
use crate::identity::{Identity, RecoveryAddress, VerifiableAddress};
use crate::timestamp::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

/// Replaces what follows from the traits. Equal addresses keep their id and state, so that a changed name
/// never costs anybody their verified address.
pub(super) fn apply(derived: &Derived, identity: &mut Identity, now: Timestamp, new_id: &mut dyn FnMut() -> Uuid) {
    let known = std::mem::take(&mut identity.verifiable_addresses);
    identity.verifiable_addresses = derived
        .verifiable
        .iter()
        .map(|address| {
            let same = known.iter().find(|old| is_same(address, &old.via, &old.value));
            same.cloned().unwrap_or_else(|| VerifiableAddress {
                id: new_id(),
                value: address.value.clone(),
                verified: false,
                via: address.via.clone(),
                status: "pending".to_owned(),
                verified_at: None,
                created_at: now,
                updated_at: now,
            })
        })
        .collect();
    // Whoever gives an address up and takes it back later has to prove it again: it may be somebody else's by now.
    let own: Vec<String> = identity.verifiable_addresses.iter().map(|address| address.value.to_lowercase()).collect();
    identity.keep_proofs(|proven| own.iter().any(|address| address == proven));
    let known = std::mem::take(&mut identity.recovery_addresses);
    identity.recovery_addresses = derived
        .recovery
        .iter()
        .map(|address| {
            let same = known.iter().find(|old| is_same(address, &old.via, &old.value));
            same.cloned().unwrap_or_else(|| RecoveryAddress {
                id: new_id(),
                value: address.value.clone(),
                via: address.via.clone(),
                created_at: now,
                updated_at: now,
            })
        })
        .collect();
    for kind in [CredentialsType::Code, CredentialsType::Password, CredentialsType::Webauthn] {
        set_credentials(kind, derived, identity, now);
    }
}

fn is_same(address: &DerivedAddress, via: &str, value: &str) -> bool {
    address.via == via && normalise::graceful(&address.value) == normalise::graceful(value)
}

fn set_credentials(kind: CredentialsType, derived: &Derived, identity: &mut Identity, now: Timestamp) {
    let identifiers: Vec<String> =
        derived.identifiers.iter().filter(|(of, _)| *of == kind).map(|(_, identifier)| identifier.clone()).collect();
    // Without this an address that somebody gave up would stay taken for ever.
    if identifiers.is_empty() {
        identity.credentials.remove(&kind);
        return;
    }
    let entry = identity.credentials.entry(kind).or_insert_with(|| Credentials {
        credentials_type: kind,
        identifiers: Vec::new(),
        config: json!({}),
        // Kratos: the admin API shows these rows with version 1.
        version: 1,
        created_at: now,
        updated_at: now,
    });
    let config = match kind {
        CredentialsType::Code => {
            let addresses = derived.code_addresses.iter();
            let addresses: Vec<_> = addresses.map(|a| json!({ "channel": a.via, "address": a.value })).collect();
            json!({ "addresses": addresses })
        }
        _ => entry.config.clone(),
    };
    if entry.identifiers != identifiers || entry.config != config {
        entry.identifiers = identifiers;
        entry.config = config;
        entry.updated_at = now;
    }
}

/// Rewrites phone numbers among the traits into E.164, so that webhooks and identifiers agree
/// (Kratos: `identity/validator.go`).
pub(super) fn normalise_phones(rules: &Rules, rule: RuleId, value: &mut Value, stack: &mut Vec<RuleId>) {
    if stack.contains(&rule) {
        return;
    }
    let id = rule;
    let rule = &rules.list[id];
    if rule.extension.as_ref().is_some_and(super::extension::Extension::is_phone) {
        if let Some(number) = value.as_str().and_then(normalise::phone) {
            *value = Value::String(number);
        }
        return;
    }
    stack.push(id);
    let parts = [rule.not, rule.condition, rule.then, rule.otherwise, rule.reference];
    let lists = [&rule.all_of, &rule.any_of, &rule.one_of];
    for part in lists.into_iter().flatten().copied().chain(parts.into_iter().flatten()) {
        normalise_phones(rules, part, value, stack);
    }
    match value {
        Value::Object(map) => {
            for (name, part) in &rule.properties {
                if let Some(inner) = map.get_mut(name) {
                    normalise_phones(rules, *part, inner, stack);
                }
            }
        }
        Value::Array(list) => {
            for (index, inner) in list.iter_mut().enumerate() {
                let part = match &rule.items {
                    Some(Items::Each(part)) => Some(*part),
                    Some(Items::Tuple(parts)) => parts.get(index).copied(),
                    None => None,
                };
                if let Some(part) = part {
                    normalise_phones(rules, part, inner, stack);
                }
            }
        }
        _ => {}
    }
    stack.pop();
}
