//! One warning for each key of Kratos that is in the configuration and has no effect here.

use serde_json::Value;

use crate::finding::{Finding, KeyPath};
use crate::rules::at;
use crate::schema;

/// When a key deserves a warning.
enum When {
    /// Whenever it is set.
    Set,
    /// Unless it has this value (Kratos' default, or what switches it off).
    Not(Value),
    /// Unless `enabled` below it is false.
    Enabled,
}

fn table() -> Vec<(&'static str, When, &'static str)> {
    use When::{Enabled, Not, Set};
    const MAIL: &str = "Bia sends no mail";
    const PASSWORDLESS: &str = "people sign in with providers only";
    let off = || Not(Value::Bool(false));
    vec![
        ("courier", Set, MAIL),
        ("watch-courier", off(), MAIL),
        ("clients.smtp", Set, MAIL),
        ("selfservice.flows.verification.enabled", off(), MAIL),
        ("selfservice.flows.recovery.enabled", off(), MAIL),
        ("hashers", Set, "there are no passwords to hash"),
        ("selfservice.methods.password", Enabled, PASSWORDLESS),
        ("selfservice.methods.code", Enabled, PASSWORDLESS),
        ("selfservice.methods.link", Enabled, MAIL),
        ("selfservice.methods.totp", Enabled, PASSWORDLESS),
        ("selfservice.methods.lookup_secret", Enabled, PASSWORDLESS),
        ("selfservice.methods.webauthn", Enabled, PASSWORDLESS),
        ("selfservice.methods.passkey", Enabled, PASSWORDLESS),
        ("selfservice.methods.b2b", Set, "a provider's `organization_id` works without it"),
        ("organizations", Not(Value::Array(Vec::new())), "a provider's `organization_id` works without it"),
        ("enterprise", Set, "it belongs to Kratos' paid edition"),
        ("preview", Set, "it concerns CockroachDB only"),
        (
            "tracing.provider",
            Not(Value::from("otel")),
            "traces are sent as OTLP, which Jaeger takes, too: set `tracing.provider: otel` and `tracing.providers.otlp`",
        ),
        (
            "tracing.providers.jaeger",
            Set,
            "Jaeger takes OTLP: set `tracing.provider: otel` and `tracing.providers.otlp`",
        ),
        (
            "tracing.providers.zipkin",
            Set,
            "traces are sent as OTLP: set `tracing.provider: otel` and `tracing.providers.otlp`",
        ),
        ("expose-metrics-port", Not(Value::from(0)), "metrics are on the admin port"),
        ("serve.public.cors.debug", off(), "use `log.level: debug`"),
        ("feature_flags.use_continue_with_transitions", off(), "it concerns recovery and verification only"),
        ("feature_flags.choose_recovery_address", off(), "it concerns recovery only"),
        ("feature_flags.legacy_continue_with_verification_ui", off(), "it concerns verification only"),
        ("feature_flags.refresh_login_choose_address", off(), "it concerns the code method only"),
        (
            "feature_flags.password_profile_registration_node_group",
            Not(Value::from("default")),
            "it concerns passwords only",
        ),
    ]
}

/// Warnings about keys that have no effect, and about keys that Kratos lets pass although nobody reads them.
pub(crate) fn warnings(root: &Value) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, when, why) in table() {
        let Some(value) = at(root, path) else {
            continue;
        };
        let counts = match when {
            When::Set => true,
            When::Not(quiet) => *value != quiet,
            When::Enabled => value.get("enabled").is_none_or(|enabled| *enabled != Value::Bool(false)),
        };
        if counts {
            findings.push(Finding::warning("no_effect", KeyPath::of(path), format!("has no effect: {why}.")));
        }
    }
    unread_methods(root, &mut findings);
    unread_keys(root, &KeyPath::default(), &mut findings);
    findings
}

/// Hooks and return addresses of methods that never run.
fn unread_methods(root: &Value, findings: &mut Vec<Finding>) {
    for flow in ["login", "registration", "settings"] {
        let after = format!("selfservice.flows.{flow}.after");
        for (method, _) in at(root, &after).and_then(Value::as_object).into_iter().flatten() {
            if matches!(method.as_str(), "password" | "webauthn" | "passkey" | "code" | "totp" | "lookup_secret") {
                let path = KeyPath::of(&after).child(method);
                findings.push(Finding::warning(
                    "no_effect",
                    path,
                    format!("has no effect: the method `{method}` is not offered."),
                ));
            }
        }
    }
}

/// Kratos: a few blocks take any key. A misspelt one passes there in silence; here it is named.
fn unread_keys(value: &Value, path: &KeyPath, findings: &mut Vec<Finding>) {
    let Some(node) = schema::node_at(path.parts()) else {
        return;
    };
    match value {
        Value::Object(entries) => {
            let known = schema::keys_of(node);
            for (key, child) in entries {
                let below = path.child(key);
                if known.is_empty() || known.contains(&key.as_str()) {
                    unread_keys(child, &below, findings);
                } else if node.get("additionalProperties").is_none() {
                    let finding =
                        Finding::warning("unread_key", below, "is no key of Kratos or Bia, so nobody reads it.");
                    findings.push(match crate::validate::nearest(key, known.iter().copied()) {
                        Some(near) => finding.help(format!("Did you mean `{near}`?")),
                        None => finding,
                    });
                }
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                unread_keys(item, &path.child(index), findings);
            }
        }
        _ => {}
    }
}
