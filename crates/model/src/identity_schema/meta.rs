//! What a document must be to serve as an identity schema, checked before it is compiled.

use super::SchemaError;
use super::extension::{Extension, KEYWORD};
use super::failure::escape;
use jsonschema::error::ValidationErrorKind;
use serde_json::Value;

/// Larger documents are refused (Kratos has the same limit, in bytes of the file).
const NODES_MAX: usize = 50_000;
const DEPTH_MAX: usize = 100;
/// Formats that an address to be verified may have.
const VERIFIABLE_FORMATS: &[&str] = &["email", "tel", "date", "time", "date-time", "no-validate"];

/// Checks the document against draft-07 and Kratos' rules for identity schemas.
pub(super) fn check(id: &str, document: &Value) -> Result<(), SchemaError> {
    let error = |pointer: &str, problem: String| SchemaError::new(id, pointer, problem);
    if !document.is_object() {
        return Err(error("#", "an identity schema is a JSON object".to_owned()));
    }
    let mut nodes = 0;
    measure(document, 0, &mut nodes).map_err(|problem| error("#", problem))?;
    check_draft(document).map_err(|problem| error("#/$schema", problem))?;
    // Patterns are judged where they are compiled: Kratos' dialect knows some that ECMAScript doesn't.
    let validator = jsonschema::draft7::meta::validator();
    let problem =
        validator.iter_errors(document).find(|problem| !matches!(problem.kind(), ValidationErrorKind::Format { .. }));
    if let Some(problem) = problem {
        let at = format!("#{}", problem.instance_path());
        return Err(error(&at, problem.to_string()));
    }
    check_traits(id, document)?;
    check_keywords(id, document, "#")
}

fn measure(value: &Value, depth: usize, nodes: &mut usize) -> Result<(), String> {
    *nodes += 1;
    if depth > DEPTH_MAX || *nodes > NODES_MAX {
        return Err(format!("the document is too large: at most {DEPTH_MAX} levels and {NODES_MAX} values"));
    }
    match value {
        Value::Object(map) => map.values().try_for_each(|inner| measure(inner, depth + 1, nodes)),
        Value::Array(list) => list.iter().try_for_each(|inner| measure(inner, depth + 1, nodes)),
        _ => Ok(()),
    }
}

fn check_draft(document: &Value) -> Result<(), String> {
    let Some(draft) = document.get("$schema").and_then(Value::as_str) else {
        return Ok(());
    };
    let name = draft.trim_end_matches('#');
    let name = name.strip_prefix("http://").or(name.strip_prefix("https://"));
    match name {
        Some("json-schema.org/draft-07/schema" | "json-schema.org/draft-06/schema" | "json-schema.org/schema") => {
            Ok(())
        }
        _ => Err(format!(
            "{draft:?} is not a draft that identity schemas use; write \"http://json-schema.org/draft-07/schema#\""
        )),
    }
}

fn check_traits(id: &str, document: &Value) -> Result<(), SchemaError> {
    let error = |pointer: &str, problem: &str| Err(SchemaError::new(id, pointer, problem));
    let Some(traits) = document.pointer("/properties/traits") else {
        return error("#/properties", "the key `traits` is missing: it describes what an identity consists of");
    };
    if !traits.is_object() || traits.get("type").is_some_and(|name| name != "object") {
        return error("#/properties/traits", "`traits` must be of type `object`");
    }
    let properties = match traits.get("properties") {
        Some(Value::Object(properties)) if !properties.is_empty() => properties,
        _ => {
            return error("#/properties/traits", "`properties` must name at least one trait");
        }
    };
    for (name, schema) in properties {
        let at = format!("#/properties/traits/properties/{}", escape(name));
        if !schema.is_object() {
            return error(&at, "a trait must be described by an object");
        }
        let format = schema.get("format").and_then(Value::as_str);
        let verified = schema.get(KEYWORD).is_some_and(|keyword| keyword.get("verification").is_some());
        if verified && format.is_some_and(|format| !VERIFIABLE_FORMATS.contains(&format)) {
            let problem = format!("a verified trait must have one of the formats {}", VERIFIABLE_FORMATS.join(", "));
            return error(&format!("{at}/format"), &problem);
        }
    }
    Ok(())
}

/// The extension keyword is checked wherever it stands, even where no value would ever reach it.
fn check_keywords(id: &str, value: &Value, at: &str) -> Result<(), SchemaError> {
    match value {
        Value::Object(map) => map.iter().try_for_each(|(key, inner)| {
            let inside = format!("{at}/{}", escape(key));
            if key == KEYWORD {
                return Extension::parse(inner, "")
                    .map(|_| ())
                    .map_err(|problem| SchemaError::new(id, &inside, problem));
            }
            check_keywords(id, inner, &inside)
        }),
        Value::Array(list) => {
            list.iter().enumerate().try_for_each(|(index, inner)| check_keywords(id, inner, &format!("{at}/{index}")))
        }
        _ => Ok(()),
    }
}
