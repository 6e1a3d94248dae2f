//! The merged configuration against the schema: every error, in our own words, without any value.

use std::sync::OnceLock;

use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use jsonschema::{Draft, Validator};
use serde_json::Value;

use crate::finding::{Finding, KeyPath};
use crate::{formats, schema};

fn validator() -> &'static Validator {
    static VALIDATOR: OnceLock<Validator> = OnceLock::new();
    VALIDATOR.get_or_init(|| {
        jsonschema::options()
            .with_draft(Draft::Draft7)
            .should_validate_formats(true)
            .with_format("uri", formats::is_uri)
            .with_format("uri-reference", formats::is_uri_reference)
            .with_format("cors-origin", formats::is_cors_origin)
            .with_format("http-url", formats::is_http_url)
            .with_format("ip-network", formats::is_network)
            .with_format("date", formats::is_date)
            .build(schema::root())
            .expect("the schema made from our own types compiles")
    })
}

/// Every way in which the value breaks the schema.
pub(crate) fn validate(value: &Value) -> Vec<Finding> {
    let mut findings = Vec::new();
    for error in validator().iter_errors(value) {
        let path = key_path(error.instance_path().as_str());
        explain(error.kind(), error.instance(), &path, &mut findings);
    }
    findings
}

fn key_path(pointer: &str) -> KeyPath {
    let parts = pointer.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~"));
    KeyPath::from(parts.collect::<Vec<_>>())
}

fn explain(kind: &Kind, instance: &Value, path: &KeyPath, findings: &mut Vec<Finding>) {
    let mut push = |code, message: String| findings.push(Finding::error(code, path.clone(), message));
    match kind {
        Kind::AdditionalProperties { unexpected } => {
            findings.extend(unexpected.iter().map(|key| unknown_key(path, key)))
        }
        Kind::Required { property } => {
            let key = property.as_str().unwrap_or_default();
            findings.push(Finding::error(
                "missing_key",
                path.child(key),
                format!("`{key}` is required here and missing"),
            ));
        }
        Kind::Type { kind } => findings.push(wrong_type(kind, instance, path)),
        Kind::Enum { options } => findings.push(not_one_of(options, instance, path)),
        Kind::Constant { expected_value } => push("wrong_value", format!("must be {expected_value}")),
        Kind::Pattern { pattern } => {
            let finding = Finding::error("wrong_form", path.clone(), format!("does not match pattern \"{pattern}\""));
            findings.push(match pattern.as_str() {
                crate::duration::PATTERN => {
                    finding.help("Write a number and a unit: `10m`, `24h` or `1h30m`. Days are hours here: `720h`.")
                }
                p if p.contains("KiB") => finding.help("Write a number and a unit: `256KiB` or `128MiB`."),
                p if p.contains("|file|base64") => finding.help("Write `file://…`, `base64://…` or `https://…`."),
                _ => finding,
            });
        }
        Kind::Format { format } => findings.push(wrong_format(format, path)),
        Kind::MinLength { limit } => push("wrong_length", format!("must have at least {limit} characters")),
        Kind::MaxLength { limit } => push("wrong_length", format!("must have at most {limit} characters")),
        Kind::MinItems { limit } => push("wrong_length", format!("needs at least {limit} item(s)")),
        Kind::MaxItems { limit } => push("wrong_length", format!("may have at most {limit} item(s)")),
        Kind::Minimum { limit } => push("out_of_range", format!("must be at least {limit}")),
        Kind::Maximum { limit } => push("out_of_range", format!("must be at most {limit}")),
        Kind::UniqueItems => push("repeated_item", "lists the same item twice".to_owned()),
        _ => push("invalid", "does not have the form that this key needs".to_owned()),
    }
}

fn unknown_key(path: &KeyPath, key: &str) -> Finding {
    // Kratos: the same words.
    let finding = Finding::error("unknown_key", path.child(key), format!("additionalProperties \"{key}\" not allowed"));
    let known = schema::node_at(path.parts()).map(schema::keys_of).unwrap_or_default();
    if let Some(near) = nearest(key, known.iter().copied()) {
        return finding.help(format!("Did you mean `{near}`?"));
    }
    if let Some(elsewhere) = elsewhere(key) {
        return finding.help(format!("`{key}` belongs under `{}`.", elsewhere.parent()));
    }
    if known.is_empty() || known.len() > 24 {
        return finding.help("There is no such key here, neither in Kratos nor in Bia.");
    }
    finding.help(format!("Known here: {}.", known.join(", ")))
}

/// The known name that was probably meant.
pub(crate) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let fold = |text: &str| text.to_lowercase().replace('-', "_");
    let name = fold(name);
    known
        .map(|candidate| (strsim::normalized_damerau_levenshtein(&name, &fold(candidate)), candidate))
        .filter(|(likeness, _)| *likeness >= 0.6)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, candidate)| candidate)
}

/// The one other place where a key of exactly this name exists.
fn elsewhere(key: &str) -> Option<KeyPath> {
    let mut places = Vec::new();
    schema::each_key(&mut |path, _| {
        if path.last().is_some_and(|last| last == key) && !path.iter().any(|part| part == "#") {
            places.push(path.to_vec());
        }
    });
    match places.as_slice() {
        [only] => Some(KeyPath::from(only.clone())),
        _ => None,
    }
}

fn not_one_of(options: &Value, instance: &Value, path: &KeyPath) -> Finding {
    let names: Vec<&str> = options.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let list: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    let finding = Finding::error("wrong_value", path.clone(), format!("value must be one of {}", list.join(", ")));
    match instance.as_str().and_then(|text| nearest(text, names.into_iter())) {
        Some(near) => finding.help(format!("Did you mean `{near}`? Case counts.")),
        None => finding,
    }
}

fn wrong_format(format: &str, path: &KeyPath) -> Finding {
    let expected = match format {
        "uri" => "an absolute address with a scheme, such as `https://…`, `file://…` or `base64://…`",
        "uri-reference" => "an address or a path that a browser can follow",
        "cors-origin" => "`*` or an origin such as `https://app.example.com`",
        "http-url" => "an absolute http or https address with a host",
        "ip-network" => "an IP address or a network such as `10.0.0.0/8`",
        "date" => "a day such as `2027-03-01`",
        other => other,
    };
    Finding::error("wrong_form", path.clone(), format!("expected {expected}"))
}

fn wrong_type(kind: &TypeKind, instance: &Value, path: &KeyPath) -> Finding {
    let message = format!("expected {}, but got {}", expected_types(kind), type_of(instance));
    let finding = Finding::error("wrong_type", path.clone(), message);
    match instance {
        Value::Null => finding.help("The key has no value: give it one, or remove it."),
        // Kratos: `cookies.secure` is a text; YAML reads a bare word as a boolean.
        Value::Bool(_) if matches!(kind, TypeKind::Single(one) if one.to_string() == "string") => {
            finding.help("Write it in quotes: `\"true\"` or `\"false\"`.")
        }
        Value::Number(_) if matches!(kind, TypeKind::Single(one) if one.to_string() == "string") => {
            finding.help("Write it in quotes.")
        }
        _ => finding,
    }
}

fn expected_types(kind: &TypeKind) -> String {
    match kind {
        TypeKind::Single(one) => one.to_string(),
        TypeKind::Multiple(many) => many.iter().map(|one| one.to_string()).collect::<Vec<_>>().join(" or "),
    }
}

/// JSON's name for what a value is.
pub(crate) fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
