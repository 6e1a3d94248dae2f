//! Decoding of submitted bodies (Kratos: `oryx/decoderx`, contract §1.5).
//!
//! A form knows only texts and flat names; the schema says what they mean: `traits.age=42` becomes
//! `{"traits": {"age": 42}}`. JSON bodies may be nested or flat and come out in the same shape.

#![allow(clippy::result_large_err, reason = "one error per request; boxing it would burden every caller")]

mod limits;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

use crate::error::ApiError;
use crate::identity_schema::IdentitySchema;
use crate::identity_schema::go_text::json_number;
use crate::identity_schema::nodes::{Field, Kind};
use serde_json::{Map, Value};

/// Objects that arrive whole, as JSON text in a form.
const OBJECTS: &[&str] = &["traits", "transient_payload", "upstream_parameters"];

/// A form (or query): dotted keys become nested objects, values of traits are coerced by the schema.
/// Traits that the schema doesn't know are ignored; with a schema, its objects are always there.
pub fn decode(pairs: &[(String, String)], schema: Option<&IdentitySchema>) -> Result<Value, ApiError> {
    limits::check_pairs(pairs)?;
    let mut entries: Vec<(&str, Vec<&str>)> = Vec::new();
    for (key, value) in pairs {
        match entries.iter_mut().find(|(known, _)| known == key) {
            Some((_, values)) => values.push(value),
            None => entries.push((key, vec![value])),
        }
    }
    // Whole objects first, so that single leaves beside them count.
    entries.sort_by_key(|(key, _)| key.contains('.'));
    let mut out = Map::new();
    for (key, values) in entries {
        put(&mut out, key, &values, schema)?;
    }
    fill_objects(&mut out, schema);
    Ok(Value::Object(out))
}

/// A JSON body: nested objects or dotted keys, brought to the same shape as a form.
pub fn decode_json(body: Value, schema: Option<&IdentitySchema>) -> Result<Value, ApiError> {
    limits::check_json(&body)?;
    let Value::Object(body) = body else {
        return Err(ApiError::bad_request(format!(
            "Expected JSON sent in request body to be an object but got: {}",
            type_of(&body)
        )));
    };
    let mut out = Map::new();
    let (flat, whole): (Vec<_>, Vec<_>) = body.into_iter().partition(|(key, _)| key.contains('.'));
    for (key, value) in whole.into_iter().chain(flat) {
        match value {
            Value::Null => {}
            Value::Object(_) if OBJECTS.contains(&key.as_str()) => {
                out.insert(key, value);
            }
            Value::Array(items) if is_list(&key, schema) => {
                let path: Vec<_> = key.split('.').collect();
                insert(&mut out, &path, Value::Array(items));
            }
            Value::String(text) => put(&mut out, &key, &[&text], schema)?,
            Value::Object(_) | Value::Array(_) => {}
            scalar => put(&mut out, &key, &[&scalar.to_string()], schema)?,
        }
    }
    fill_objects(&mut out, schema);
    Ok(Value::Object(out))
}

fn is_list(key: &str, schema: Option<&IdentitySchema>) -> bool {
    let lists = [Kind::TextList, Kind::NumberList, Kind::BoolList, Kind::List];
    field(key, schema).is_some_and(|field| lists.contains(&field.kind))
}

fn field<'a>(key: &str, schema: Option<&'a IdentitySchema>) -> Option<&'a Field> {
    schema?.fields().iter().find(|field| field.name() == key)
}

fn put(
    out: &mut Map<String, Value>,
    key: &str,
    values: &[&str],
    schema: Option<&IdentitySchema>,
) -> Result<(), ApiError> {
    let first = values.first().copied().unwrap_or("");
    if OBJECTS.contains(&key) {
        // Kratos decodes these parameters late and by itself; what is no object is refused there.
        if key == "upstream_parameters" && !first.is_empty() && !first.trim_start().starts_with('{') {
            let value = serde_json::from_str(first).unwrap_or_else(|_| Value::from(first));
            limits::check_json(&value)?;
            out.insert(key.to_owned(), value);
            return Ok(());
        }
        if !first.is_empty() {
            out.insert(key.to_owned(), parse_object(key, first)?);
        }
        return Ok(());
    }
    if let Some(field) = field(key, schema) {
        if let Some(value) = coerce(field, values)? {
            let path: Vec<_> = field.path.iter().map(String::as_str).collect();
            insert(out, &path, value);
        }
        return Ok(());
    }
    if first.is_empty() {
        return Ok(());
    }
    let path: Vec<_> = key.split('.').collect();
    match path.as_slice() {
        [_] | ["upstream_parameters", _] => insert(out, &path, Value::from(first)),
        ["traits", ..] if schema.is_none() => insert(out, &path, Value::from(first)),
        // Kratos: what no schema describes is ignored.
        _ => {}
    }
    Ok(())
}

fn parse_object(key: &str, text: &str) -> Result<Value, ApiError> {
    let value: Value = serde_json::from_str(text).map_err(|_| {
        ApiError::bad_request(format!("Unable to decode the field `{key}`: it must hold a JSON object."))
    })?;
    if !value.is_object() {
        return Err(ApiError::bad_request(format!("Unable to decode the field `{key}`: it must hold a JSON object.")));
    }
    limits::check_json(&value)?;
    Ok(value)
}

/// The value of a field, `None` when nothing was entered. Texts that don't fit stay texts, so that the
/// validation can say what is wrong with them.
fn coerce(field: &Field, values: &[&str]) -> Result<Option<Value>, ApiError> {
    let first = values.first().copied().unwrap_or("");
    let list = |parse: fn(&str) -> Value| Some(values.iter().map(|text| parse(text)).collect());
    Ok(match field.kind {
        Kind::Text => (!first.is_empty()).then(|| Value::from(first)),
        Kind::Number if first.is_empty() => field.required.then(|| Value::from(0)),
        Kind::Number => Some(number(first)),
        // An unticked checkbox sends nothing, so pages send a hidden `false` before it; the last one counts.
        Kind::Bool => match values.last().copied().unwrap_or("") {
            "" => field.required.then(|| Value::from(false)),
            text => Some(boolean(text)),
        },
        Kind::TextList | Kind::List => list(|text| Value::from(text)),
        Kind::NumberList => list(number),
        Kind::BoolList => list(boolean),
        Kind::Json if first.is_empty() => None,
        Kind::Json => match serde_json::from_str::<Value>(first) {
            Ok(value) => {
                limits::check_json(&value)?;
                Some(value)
            }
            Err(_) => {
                return Err(ApiError::bad_request(format!(
                    "Unable to decode the field `{}`: it must hold JSON.",
                    field.name()
                )));
            }
        },
    })
}

fn number(text: &str) -> Value {
    if let Ok(whole) = text.parse::<i64>() {
        return Value::from(whole);
    }
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => json_number(number),
        _ => Value::from(text),
    }
}

fn boolean(text: &str) -> Value {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Value::from(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Value::from(false),
        other => Value::from(other),
    }
}

/// Kratos: every object that the schema describes exists after decoding, if only as `{}`.
fn fill_objects(out: &mut Map<String, Value>, schema: Option<&IdentitySchema>) {
    let fields = schema.map_or(&[][..], IdentitySchema::fields);
    for field in fields.iter().filter(|field| field.kind == Kind::Json) {
        let path: Vec<_> = field.path.iter().map(String::as_str).collect();
        if !exists(out, &path) {
            insert(out, &path, Value::Object(Map::new()));
        }
    }
}

fn exists(map: &Map<String, Value>, path: &[&str]) -> bool {
    match path {
        [] => true,
        [last] => map.contains_key(*last),
        [first, rest @ ..] => match map.get(*first) {
            Some(Value::Object(inner)) => exists(inner, rest),
            // Something else stands in the way; it is for the validation to refuse.
            Some(_) => true,
            None => false,
        },
    }
}

fn insert(map: &mut Map<String, Value>, path: &[&str], value: Value) {
    match path {
        [] => {}
        [last] => {
            map.insert((*last).to_owned(), value);
        }
        [first, rest @ ..] => {
            let inner = map.entry((*first).to_owned()).or_insert_with(|| Value::Object(Map::new()));
            if !inner.is_object() {
                *inner = Value::Object(Map::new());
            }
            if let Value::Object(inner) = inner {
                insert(inner, rest, value);
            }
        }
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "Null",
        Value::Bool(false) => "False",
        Value::Bool(true) => "True",
        Value::Number(_) => "Number",
        Value::String(_) => "String",
        Value::Array(_) | Value::Object(_) => "JSON",
    }
}
