//! What is refused at start beyond the schema: conditions between keys, as Kratos has them, and Bia's own.
//!
//! The rules read the merged JSON rather than the typed configuration, so that one wrong type hides no other error.

use serde_json::Value;

use crate::dsn::{Dsn, DsnError};
use crate::finding::{Finding, KeyPath};
use crate::source::Source;

mod hooks;
mod identity_headers;
mod providers;
mod rate_limit;

pub(crate) use providers::PROVIDERS;

/// Every refusal. `extra_hooks` are the names that this binary has compiled in.
pub(crate) fn check(root: &Value, extra_hooks: &[&str]) -> Vec<Finding> {
    let mut findings = Vec::new();
    dsn(root, &mut findings);
    cipher(root, &mut findings);
    courier(root, &mut findings);
    code(root, &mut findings);
    schemas(root, &mut findings);
    providers::check(root, &mut findings);
    hooks::check(root, extra_hooks, &mut findings);
    identity_headers::check(root, &mut findings);
    rate_limit::check(root, &mut findings);
    findings
}

/// The value at a dotted path.
pub(crate) fn at<'a>(root: &'a Value, dotted: &str) -> Option<&'a Value> {
    dotted.split('.').try_fold(root, |value, part| match value {
        Value::Object(entries) => entries.get(part),
        Value::Array(items) => items.get(part.parse::<usize>().ok()?),
        _ => None,
    })
}

fn is_true(root: &Value, dotted: &str) -> bool {
    at(root, dotted).and_then(Value::as_bool).unwrap_or_default()
}

fn dsn(root: &Value, findings: &mut Vec<Finding>) {
    let Some(error) = at(root, "dsn").and_then(Value::as_str).and_then(|text| Dsn::parse(text).err()) else {
        return;
    };
    let finding = Finding::error("dsn", KeyPath::of("dsn"), error.to_string());
    findings.push(match error {
        DsnError::Empty => {
            finding.help("Set `dsn`, or the variable DSN, to `sqlite:///var/lib/bia/bia.sqlite` or `postgres://…`.")
        }
        DsnError::OtherDatabase(_) => {
            finding.help("Identities of a running Kratos can be taken over with `bia import kratos`.")
        }
        _ => finding,
    });
}

/// Kratos: an algorithm other than `noop` needs `secrets.cipher`.
fn cipher(root: &Value, findings: &mut Vec<Finding>) {
    let algorithm = at(root, "ciphers.algorithm").and_then(Value::as_str).unwrap_or_default();
    if matches!(algorithm, "aes" | "xchacha20-poly1305") && at(root, "secrets.cipher").is_none() {
        findings.push(
            Finding::error(
                "missing_key",
                KeyPath::of("secrets.cipher"),
                "is required by `ciphers.algorithm` and missing",
            )
            .help("Give one secret of exactly 32 characters, for example from `openssl rand -hex 16`."),
        );
    }
}

/// Kratos: exactly one of the two mail flows needs `courier`; with both on, its schema forgets to ask.
fn courier(root: &Value, findings: &mut Vec<Finding>) {
    let verification = is_true(root, "selfservice.flows.verification.enabled");
    let recovery = is_true(root, "selfservice.flows.recovery.enabled");
    if verification != recovery && at(root, "courier").is_none() {
        let flow = if verification { "verification" } else { "recovery" };
        findings.push(
            Finding::error(
                "missing_key",
                KeyPath::of("courier"),
                format!("is required by `selfservice.flows.{flow}.enabled` and missing"),
            )
            .help(format!("Bia sends no mail either way: set `selfservice.flows.{flow}.enabled` to false.")),
        );
    }
}

/// Kratos: the code method is either passwordless or a second factor.
fn code(root: &Value, findings: &mut Vec<Finding>) {
    if is_true(root, "selfservice.methods.code.passwordless_enabled")
        && is_true(root, "selfservice.methods.code.mfa_enabled")
    {
        findings.push(Finding::error(
            "conflict",
            KeyPath::of("selfservice.methods.code"),
            "`passwordless_enabled` and `mfa_enabled` exclude each other",
        ));
    }
}

/// Kratos reads every identity schema at start; what is local is looked for here, the rest when it is first used.
fn schemas(root: &Value, findings: &mut Vec<Finding>) {
    let list = KeyPath::of("identity.schemas");
    for (index, schema) in at(root, "identity.schemas").and_then(Value::as_array).into_iter().flatten().enumerate() {
        let path = list.child(index).child("url");
        let Some(source) = schema.get("url").and_then(Value::as_str).map(Source::parse) else {
            continue;
        };
        let fault = match &source {
            Source::File(file) => {
                std::fs::File::open(file).err().map(|error| format!("cannot read the identity schema: {error}"))
            }
            Source::Base64(_) => source.decode().and_then(Result::err).map(|error| error.to_string()),
            Source::Http(_) => None,
            Source::Other(_) => Some("expected `file://…`, `base64://…` or `https://…`".to_owned()),
        };
        if let Some(fault) = fault {
            let finding = Finding::error("identity_schema", path, fault);
            findings.push(match source {
                Source::File(_) => finding
                    .help("A path after `file://` is relative to the working directory; `file:///…` is absolute."),
                _ => finding,
            });
        }
    }
}
