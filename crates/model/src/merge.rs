//! How mapped traits meet posted and stored ones.

#[cfg(test)]
mod tests;

use crate::identity_schema::TraitError;
use serde_json::{Map, Value};

/// Sign-up: a leaf that the mapper set and the schema accepts wins over the posted one; leaves that the
/// mapper left out, set to null, or that the schema `refused` come from the form.
///
/// Attack stopped: with the form winning, as in Kratos, anybody could claim the address of somebody else.
/// `mapped` and `form` are traits; `refused` is what [`crate::IdentitySchema::validate`] says of `mapped`.
pub fn merge_form_over_mapper(mapped: &Value, form: &Value, refused: &[TraitError]) -> Value {
    merge(mapped, form, "#/traits", refused)
}

fn merge(mapped: &Value, form: &Value, pointer: &str, refused: &[TraitError]) -> Value {
    match (mapped, form) {
        (Value::Object(mapped), Value::Object(form)) => {
            let mut out = Map::new();
            for (key, value) in mapped {
                let inside = format!("{pointer}/{}", crate::identity_schema::escape(key));
                let merged = match form.get(key) {
                    Some(posted) => merge(value, posted, &inside, refused),
                    None => value.clone(),
                };
                out.insert(key.clone(), merged);
            }
            for (key, posted) in form {
                if !mapped.contains_key(key) {
                    out.insert(key.clone(), posted.clone());
                }
            }
            Value::Object(out)
        }
        (Value::Null, posted) => posted.clone(),
        (_, posted) if is_refused(pointer, refused) && !posted.is_null() => posted.clone(),
        (mapped, _) => mapped.clone(),
    }
}

/// Whether the schema refused this value or, in a list, one of its items.
fn is_refused(pointer: &str, refused: &[TraitError]) -> bool {
    refused
        .iter()
        .any(|error| error.pointer.strip_prefix(pointer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

/// Update on login (contract §3.12): deep merge, the mapper wins, keys that it leaves out stay. It can set a
/// trait to null, `""` or `[]`, but it can't remove a key, and `{}` doesn't clear an object.
pub fn merge_update(current: &Value, mapped: &Value) -> Value {
    let (Value::Object(current), Value::Object(mapped)) = (current, mapped) else {
        return mapped.clone();
    };
    let mut out = current.clone();
    for (key, value) in mapped {
        let merged = match current.get(key) {
            Some(known) => merge_update(known, value),
            None => value.clone(),
        };
        out.insert(key.clone(), merged);
    }
    Value::Object(out)
}
