//! The JSON Schema of a whole configuration, made from the types, and ways to walk it.

use std::sync::OnceLock;

use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use crate::config::Config;

/// The JSON Schema (draft-07) of a configuration, for editors and for `config/config.schema.json`.
///
/// It accepts every key that Kratos accepts; Bia's own keys carry `"x-bia": true`. Conditions between keys (a tenant for
/// `microsoft`, say) are not part of it: `load` checks them and explains them better than a schema could.
pub fn json_schema() -> Value {
    root().clone()
}

/// The schema that everything here walks.
pub(crate) fn root() -> &'static Value {
    static ROOT: OnceLock<Value> = OnceLock::new();
    ROOT.get_or_init(|| {
        let mut schema = SchemaSettings::draft07().into_generator().into_root_schema_for::<Config>().to_value();
        tidy(&mut schema);
        if let Some(root) = schema.as_object_mut() {
            root.insert("title".to_owned(), json!("Bia configuration"));
        }
        schema
    })
}

/// Removes what schemars adds for Rust's sake: null (Kratos refuses it), integer formats, and `oneOf` around enum values,
/// which would hide from an error which values there are.
fn tidy(node: &mut Value) {
    match node {
        Value::Array(items) => items.iter_mut().for_each(tidy),
        Value::Object(object) => {
            object.values_mut().for_each(tidy);
            if object.get("default").is_some_and(Value::is_null) {
                object.remove("default");
            }
            if object
                .get("format")
                .and_then(Value::as_str)
                .is_some_and(|f| f.starts_with("uint") || f.starts_with("int") || f == "double")
            {
                object.remove("format");
            }
            // `requested_claims` is the one place where null has a meaning.
            if let Some(Value::Array(types)) = object.get("type")
                && !object.contains_key("additionalProperties")
                && let [one] = types.iter().filter(|t| *t != "null").collect::<Vec<_>>().as_slice()
            {
                let one = (*one).clone();
                object.insert("type".to_owned(), one);
            }
            if let Some(Value::Array(options)) = object.get_mut("anyOf") {
                options.retain(|option| option.get("type").is_none_or(|t| t != "null"));
                if options.len() == 1
                    && let Some(only) = object.remove("anyOf")
                {
                    object.insert("allOf".to_owned(), only);
                }
            }
            if let Some((values, descriptions)) =
                object.get("oneOf").and_then(Value::as_array).and_then(|o| enum_values(o))
            {
                object.remove("oneOf");
                object.insert("type".to_owned(), json!("string"));
                object.insert("enum".to_owned(), values.into());
                object.insert("enumDescriptions".to_owned(), descriptions.into());
            }
        }
        _ => {}
    }
}

/// Values and descriptions of a `oneOf` that only lists constants.
fn enum_values(options: &[Value]) -> Option<(Vec<Value>, Vec<Value>)> {
    let mut values = Vec::new();
    let mut descriptions = Vec::new();
    for option in options {
        values.push(option.get("const")?.clone());
        descriptions.push(option.get("description").cloned().unwrap_or_else(|| json!("")));
    }
    Some((values, descriptions))
}

/// Follows a reference to its definition.
pub(crate) fn resolve(node: &'static Value) -> &'static Value {
    let mut node = node;
    // A fixed bound instead of a cycle check: the types do not nest deeper.
    for _ in 0..8 {
        let next = match (node.get("$ref").and_then(Value::as_str), node.get("allOf").and_then(Value::as_array)) {
            (Some(reference), _) => definition(reference),
            (None, Some(all)) if all.len() == 1 && !node.as_object().is_some_and(|o| o.contains_key("properties")) => {
                all.first()
            }
            _ => None,
        };
        match next {
            Some(next) => node = next,
            None => break,
        }
    }
    node
}

/// What `#/definitions/<name>` means. A JSON pointer would take every name apart again, a thousand times at each start.
fn definition(reference: &str) -> Option<&'static Value> {
    root().get("definitions")?.get(reference.strip_prefix("#/definitions/")?)
}

/// The schema of the value at a path of the configuration.
pub(crate) fn node_at(path: &[String]) -> Option<&'static Value> {
    let mut node = resolve(root());
    for part in path {
        node = resolve(child(node, part)?);
    }
    Some(node)
}

/// The schema of one key or item of a block, before its reference is followed (marks stand beside the reference).
pub(crate) fn child(node: &'static Value, part: &str) -> Option<&'static Value> {
    let via_then = || node.pointer("/then/properties").and_then(|properties| properties.get(part));
    let own = node.get("properties").and_then(|properties| properties.get(part));
    // The schema of a hook's `config` stands under `then`.
    if part == "config" && via_then().is_some() {
        return via_then();
    }
    own.or_else(|| node.get("items").filter(|items| items.is_object()))
        .or_else(|| node.get("additionalProperties").filter(|schema| schema.is_object()))
}

/// Names of the keys a block may have.
pub(crate) fn keys_of(node: &'static Value) -> Vec<&'static str> {
    node.get("properties")
        .and_then(Value::as_object)
        .map(|keys| keys.keys().map(String::as_str).collect())
        .unwrap_or_default()
}

/// Whether a key is Bia's own.
pub(crate) fn is_own(node: &Value) -> bool {
    node.get("x-bia").and_then(Value::as_bool).unwrap_or_default()
}

/// The type of a list's items.
pub(crate) fn item_type(node: &Value) -> Option<String> {
    let items = node.get("items")?;
    let items = match items.get("$ref").and_then(Value::as_str) {
        Some(reference) => definition(reference)?,
        None => items,
    };
    items.get("type")?.as_str().map(str::to_owned)
}

/// Visits every key with its path; `#` stands for the number of a list item.
pub(crate) fn each_key(visit: &mut dyn FnMut(&[String], &'static Value)) {
    fn walk(node: &'static Value, path: &mut Vec<String>, visit: &mut dyn FnMut(&[String], &'static Value)) {
        let node = resolve(node);
        if !path.is_empty() {
            visit(path, node);
        }
        for key in keys_of(node) {
            if let Some(child) = child(node, key) {
                path.push(key.to_owned());
                walk(child, path, visit);
                path.pop();
            }
        }
        if let Some(items) = node.get("items").filter(|items| items.is_object()) {
            path.push("#".to_owned());
            walk(items, path, visit);
            path.pop();
        }
    }
    walk(root(), &mut Vec::new(), visit);
}
