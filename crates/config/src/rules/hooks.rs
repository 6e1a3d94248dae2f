//! Which hook may stand where, and what its entry may hold. The table is Kratos'.

use serde_json::{Map, Value};

use super::at;
use crate::finding::{Finding, KeyPath};
use crate::validate::nearest;

const ORGANIZATION: [&str; 2] = ["b2b_sso", "organization"];

/// Names that Kratos knows anywhere; an extra hook is any other name.
const BUILT_IN: [&str; 10] = [
    "session",
    "revoke_active_sessions",
    "require_verified_address",
    "verification",
    "show_verification_ui",
    "web_hook",
    "b2b_sso",
    "organization",
    "verify_new_address",
    "notify_previous_addresses",
];

/// Kratos' table of hooks per flow and place; `place` is `before`, `after` or the method under `after`.
fn allowed(flow: &str, place: &str) -> Vec<&'static str> {
    let mut names = match (flow, place) {
        ("login", "oidc") => vec!["revoke_active_sessions", "require_verified_address", "web_hook"],
        (_, "before") | ("registration" | "settings" | "verification", "after") => vec!["web_hook"],
        ("login", _) => {
            vec![
                "revoke_active_sessions",
                "require_verified_address",
                "web_hook",
                "verification",
                "show_verification_ui",
            ]
        }
        ("registration", _) => vec!["session", "web_hook", "show_verification_ui"],
        ("settings", "profile") => {
            vec!["web_hook", "show_verification_ui", "verify_new_address", "notify_previous_addresses"]
        }
        // Kratos: no `b2b_sso` in these two.
        ("settings" | "recovery", _) => return vec!["web_hook", "revoke_active_sessions"],
        _ => vec!["web_hook"],
    };
    names.extend(ORGANIZATION);
    names
}

pub(super) fn check(root: &Value, extra_hooks: &[&str], findings: &mut Vec<Finding>) {
    for flow in ["login", "registration", "settings", "verification", "recovery"] {
        let path = KeyPath::of("selfservice.flows").child(flow);
        let Some(block) = at(root, &path.to_string()).and_then(Value::as_object) else {
            continue;
        };
        if let Some(hooks) = block.get("before").and_then(|before| before.get("hooks")) {
            list(hooks, &path.child("before").child("hooks"), &allowed(flow, "before"), extra_hooks, findings);
        }
        let after = path.child("after");
        for (place, value) in block.get("after").and_then(Value::as_object).into_iter().flatten() {
            if place == "hooks" {
                list(value, &after.child("hooks"), &allowed(flow, "after"), extra_hooks, findings);
            } else if let Some(hooks) = value.get("hooks") {
                list(hooks, &after.child(place).child("hooks"), &allowed(flow, place), extra_hooks, findings);
            }
        }
    }
}

fn list(hooks: &Value, path: &KeyPath, allowed: &[&str], extra_hooks: &[&str], findings: &mut Vec<Finding>) {
    for (index, entry) in hooks.as_array().into_iter().flatten().enumerate() {
        let path = path.child(index);
        let Some((entry, name)) = entry.as_object().and_then(|entry| Some((entry, entry.get("hook")?.as_str()?)))
        else {
            continue;
        };
        if allowed.contains(&name) {
            built_in(entry, name, &path, findings);
        } else if extra_hooks.contains(&name) && !BUILT_IN.contains(&name) {
            other_keys(entry, &["hook", "config"], &path, findings);
        } else {
            findings.push(unknown_hook(name, &path, allowed, extra_hooks));
        }
    }
}

fn unknown_hook(name: &str, path: &KeyPath, allowed: &[&str], extra_hooks: &[&str]) -> Finding {
    let known: Vec<&str> = allowed.iter().chain(extra_hooks).copied().collect();
    let message =
        if BUILT_IN.contains(&name) { "this hook cannot stand here" } else { "there is no hook of this name" };
    let listed = format!("Allowed here: {}.", known.join(", "));
    let help = match nearest(name, known.into_iter()) {
        Some(near) if !BUILT_IN.contains(&name) => format!("Did you mean `{near}`? {listed}"),
        _ => listed,
    };
    Finding::error("unknown_hook", path.child("hook"), message).help(help)
}

fn built_in(entry: &Map<String, Value>, name: &str, path: &KeyPath, findings: &mut Vec<Finding>) {
    match name {
        "web_hook" => {
            other_keys(entry, &["hook", "config"], path, findings);
            if let Some(config) = entry.get("config").and_then(Value::as_object) {
                web_hook(config, &path.child("config"), findings);
            }
        }
        "notify_previous_addresses" => {
            other_keys(entry, &["hook", "config"], path, findings);
            let Some(config) = entry.get("config").and_then(Value::as_object) else {
                return;
            };
            let path = path.child("config");
            other_keys(config, &["recipients"], &path, findings);
            let recipients = config.get("recipients").map(|value| value.as_str().unwrap_or_default());
            if recipients.is_some_and(|name| !["removed", "all_verified", "all"].contains(&name)) {
                let message = "value must be one of \"removed\", \"all_verified\", \"all\"";
                findings.push(Finding::error("wrong_value", path.child("recipients"), message));
            }
        }
        // Kratos: these two may hold anything.
        "b2b_sso" | "organization" => {}
        _ => other_keys(entry, &["hook"], path, findings),
    }
}

fn other_keys(entry: &Map<String, Value>, known: &[&str], path: &KeyPath, findings: &mut Vec<Finding>) {
    for key in entry.keys().filter(|key| !known.contains(&key.as_str())) {
        let message = format!("additionalProperties \"{key}\" not allowed");
        findings.push(
            Finding::error("unknown_key", path.child(key), message).help(format!("Known here: {}.", known.join(", "))),
        );
    }
}

fn web_hook(config: &Map<String, Value>, path: &KeyPath, findings: &mut Vec<Finding>) {
    let is_true = |value: Option<&Value>| value.and_then(Value::as_bool).unwrap_or_default();
    let response = |key: &str| is_true(config.get("response").and_then(|response| response.get(key)));
    if response("ignore") && (response("parse") || is_true(config.get("can_interrupt"))) {
        let message = "a web hook whose answer is ignored cannot be parsed or interrupt the flow";
        findings.push(
            Finding::error("conflict", path.child("response"), message)
                .help("Choose one: `ignore`, or `parse` (or the older `can_interrupt`)."),
        );
    }
    let Some(auth) = config.get("auth").and_then(Value::as_object) else {
        return;
    };
    let needed: &[&str] = match auth.get("type").and_then(Value::as_str) {
        Some("basic_auth") => &["user", "password"],
        Some("api_key") => &["name", "value", "in"],
        _ => return,
    };
    let Some(settings) = auth.get("config").and_then(Value::as_object) else {
        return;
    };
    let path = path.child("auth").child("config");
    for key in needed.iter().filter(|key| !settings.contains_key(**key)) {
        findings.push(Finding::error("missing_key", path.child(key), format!("`{key}` is required here and missing")));
    }
    for key in settings.keys().filter(|key| !needed.contains(&key.as_str())) {
        let message = format!("additionalProperties \"{key}\" not allowed");
        findings.push(
            Finding::error("unknown_key", path.child(key), message).help(format!("Known here: {}.", needed.join(", "))),
        );
    }
}
