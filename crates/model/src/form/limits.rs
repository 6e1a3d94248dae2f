//! Bounds for what strangers post. Attack stopped: a small body that unfolds into much work or deep recursion.

#![allow(clippy::result_large_err, reason = "one error per request; boxing it would burden every caller")]

use crate::error::ApiError;
use serde_json::Value;

/// Fields in a form.
const FIELDS_MAX: usize = 1_000;
/// Levels of nesting, in dotted names as in JSON.
const DEPTH_MAX: usize = 32;
/// Values in a JSON body.
const VALUES_MAX: usize = 10_000;

pub(super) fn check_pairs(pairs: &[(String, String)]) -> Result<(), ApiError> {
    if pairs.len() > FIELDS_MAX {
        return Err(ApiError::bad_request(format!("Unable to decode the form: it has more than {FIELDS_MAX} fields.")));
    }
    if pairs.iter().any(|(key, _)| key.split('.').nth(DEPTH_MAX).is_some()) {
        return Err(too_deep());
    }
    Ok(())
}

pub(super) fn check_json(value: &Value) -> Result<(), ApiError> {
    let mut pending = vec![(value, 0)];
    let mut seen = 0;
    while let Some((value, depth)) = pending.pop() {
        seen += 1;
        if depth > DEPTH_MAX {
            return Err(too_deep());
        }
        match value {
            Value::Object(map) => {
                // Dotted names unfold, so they count as levels of their own.
                if map.keys().any(|key| key.split('.').nth(DEPTH_MAX).is_some()) {
                    return Err(too_deep());
                }
                pending.extend(map.values().map(|inner| (inner, depth + 1)));
            }
            Value::Array(list) => pending.extend(list.iter().map(|inner| (inner, depth + 1))),
            _ => {}
        }
        if seen + pending.len() > VALUES_MAX {
            return Err(ApiError::bad_request(format!(
                "Unable to decode the body: it has more than {VALUES_MAX} values."
            )));
        }
    }
    Ok(())
}

fn too_deep() -> ApiError {
    ApiError::bad_request(format!("Unable to decode the body: it is nested more than {DEPTH_MAX} levels deep."))
}
