//! What real Kratos would refuse, or do differently, with a configuration that Bia loads.

use serde_json::Value;

use crate::config::Config;
use crate::finding::{Finding, KeyPath};
use crate::hooks::Hook;
use crate::load::Loaded;
use crate::rules::{PROVIDERS, at};
use crate::schema;

/// Everything in this configuration that Kratos would refuse (errors) or read in another way (advice).
pub fn for_kratos(loaded: &Loaded) -> Vec<Finding> {
    let root = loaded.document.value();
    let mut findings = Vec::new();
    own_keys(root, schema::root(), &KeyPath::default(), &mut findings);
    providers(root, &mut findings);
    web_hooks(&loaded.config, &mut findings);
    for name in loaded.document.extra_hooks_used() {
        let message = "is a hook that was compiled into this binary; Kratos has no such hook";
        findings.push(Finding::error("kratos_hook", name, message));
    }
    for (path, variable, length, below) in loaded.document.lists_from_variables() {
        if length < below {
            let message = format!(
                "{variable} replaces the file's list here. Kratos merges the two item by item, so {} item(s) of the file would stay",
                below - length
            );
            findings.push(Finding::advice("kratos_list", path, message));
        } else if below > 0 {
            let message =
                format!("{variable} replaces the file's list here. Kratos completes each item from the file's");
            findings.push(Finding::advice("kratos_list", path, message));
        }
    }
    findings.into_iter().map(|finding| loaded.document.place(finding)).collect()
}

fn own_keys(value: &Value, node: &'static Value, path: &KeyPath, findings: &mut Vec<Finding>) {
    let node = schema::resolve(node);
    match value {
        Value::Object(entries) => {
            for (key, value) in entries {
                let Some(child) = schema::child(node, key) else {
                    continue;
                };
                if schema::is_own(child) {
                    let message = "is a key of Bia; Kratos refuses the file because of it";
                    findings.push(Finding::error("kratos_key", path.child(key), message));
                } else {
                    own_keys(value, child, &path.child(key), findings);
                }
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                if let Some(child) = schema::child(node, "0") {
                    own_keys(item, child, &path.child(index), findings);
                }
            }
        }
        _ => {}
    }
}

fn providers(root: &Value, findings: &mut Vec<Finding>) {
    for (index, provider) in at(root, PROVIDERS).and_then(Value::as_array).into_iter().flatten().enumerate() {
        let path = KeyPath::of(PROVIDERS).child(index);
        if provider.get("subject_source").is_some_and(|source| source == "tid_oid") {
            let message = "`tid_oid` is a value of Bia; Kratos refuses it";
            findings.push(Finding::error("kratos_value", path.child("subject_source"), message));
        }
        let is_apple = provider.get("provider").is_some_and(|kind| kind == "apple");
        for key in ["client_id", "client_secret"] {
            if provider.get(key).is_none() && !(is_apple && key == "client_secret") {
                findings.push(Finding::error(
                    "kratos_missing",
                    path.child(key),
                    format!("Kratos requires `{key}` here"),
                ));
            }
        }
    }
}

/// Kratos: a web hook that parses its answer never runs from these two lists. Bia runs it.
fn web_hooks(config: &Config, findings: &mut Vec<Finding>) {
    let flows = &config.selfservice.flows;
    for (path, hooks) in [
        ("selfservice.flows.registration.after.hooks", &flows.registration.after.hooks),
        ("selfservice.flows.settings.after.hooks", &flows.settings.after.hooks),
    ] {
        for (index, hook) in hooks.iter().enumerate() {
            if matches!(hook, Hook::WebHook(config) if config.response.parse || config.can_interrupt) {
                let message = "parses its answer, and such a web hook runs from a method's list alone in Kratos";
                findings.push(
                    Finding::advice("kratos_web_hook", KeyPath::of(path).child(index), message)
                        .help("Put it into the list of a method: `oidc`."),
                );
            }
        }
    }
}
