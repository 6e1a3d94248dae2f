//! What a submitted form says: body and query in one object, the query winning (contract §1.5, §3.1).

use crate::context::{Body, SubmitInput};
use bia_model::{ApiError, IdentitySchema, form};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Most bytes of a field that is kept as it was sent, as JSON: rows are stored before anybody is known.
const KEPT_BYTES_MAX: usize = 64 * 1024;

/// A decoded submission.
#[derive(Debug, Default)]
pub(crate) struct Submission {
    fields: Map<String, Value>,
}

impl Submission {
    /// Decodes a submission; the schema says how form values of traits are read.
    ///
    /// # Errors
    /// 400 for a content type or a body that can't be read, and for fields that are too large to be kept.
    pub(crate) fn decode(input: &SubmitInput, schema: Option<&IdentitySchema>) -> Result<Self, ApiError> {
        let mut fields = match &input.body {
            Body::Empty => Map::new(),
            Body::Form(pairs) => into_map(form::decode(pairs, schema)?),
            Body::Json(bytes) => into_map(form::decode_json(parse_json(bytes)?, schema)?),
            Body::Unknown(content_type) => return Err(unknown_content_type(content_type)),
        };
        let query = form::decode(&input.query, schema)?;
        for (key, value) in into_map(query) {
            merge(&mut fields, key, value);
        }
        for name in ["traits", "transient_payload"] {
            if fields.get(name).is_some_and(|value| value.to_string().len() > KEPT_BYTES_MAX) {
                return Err(ApiError::bad_request(format!(
                    "The field `{name}` is larger than {} KiB. Please send less in it.",
                    KEPT_BYTES_MAX / 1024
                )));
            }
        }
        Ok(Self { fields })
    }

    /// A field's text; absent and empty are the same.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.fields.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    /// Fields that Kratos reads as text and refuses as anything else.
    ///
    /// # Errors
    /// A plain 500, as Kratos' JSON decoder gives.
    pub(crate) fn check_text(&self, names: &[&str]) -> Result<(), ApiError> {
        for name in names {
            match self.fields.get(*name) {
                None | Some(Value::String(_) | Value::Null) => {}
                Some(other) => {
                    return Err(ApiError::plain(format!(
                        "json: cannot read {} into field {name} of type string",
                        kind(other)
                    )));
                }
            }
        }
        Ok(())
    }

    pub(crate) fn traits(&self) -> Value {
        self.fields
            .get("traits")
            .filter(|traits| traits.is_object())
            .cloned()
            .unwrap_or_else(|| Value::Object(Map::new()))
    }

    pub(crate) fn has_traits(&self) -> bool {
        self.fields.get("traits").and_then(Value::as_object).is_some_and(|traits| !traits.is_empty())
    }

    /// The payload of a settings submission: absent stays absent there.
    pub(crate) fn given_transient_payload(&self) -> Option<Value> {
        self.fields.get("transient_payload").filter(|value| !value.is_null()).cloned()
    }

    /// A missing payload is an empty object, as in Kratos.
    pub(crate) fn transient_payload(&self) -> Value {
        self.fields
            .get("transient_payload")
            .filter(|value| !value.is_null())
            .cloned()
            .unwrap_or_else(|| Value::Object(Map::new()))
    }

    pub(crate) fn has_upstream_object(&self) -> bool {
        self.fields.get("upstream_parameters").is_some_and(Value::is_object)
    }

    /// `upstream_parameters`, all of which must be text.
    ///
    /// # Errors
    /// A plain 500 when one isn't, as Kratos' JSON decoder gives.
    pub(crate) fn upstream_parameters(&self) -> Result<BTreeMap<String, String>, ApiError> {
        let object = match self.fields.get("upstream_parameters") {
            None | Some(Value::Null) => return Ok(BTreeMap::new()),
            Some(Value::Object(object)) => object,
            Some(Value::String(text)) => {
                let first = text.chars().next().unwrap_or(' ');
                return Err(ApiError::plain(format!("invalid character '{first}' looking for beginning of value")));
            }
            Some(other) => {
                return Err(ApiError::plain(format!(
                    "json: cannot unmarshal {} into Go value of type map[string]string",
                    kind(other)
                )));
            }
        };
        let read = |(key, value): (&String, &Value)| match value {
            Value::String(text) => Ok((key.clone(), text.clone())),
            Value::Null => Ok((key.clone(), String::new())),
            other => {
                Err(ApiError::plain(format!("json: cannot unmarshal {} into Go value of type string", kind(other))))
            }
        };
        object.iter().map(read).collect()
    }

    /// These fields as text, for a submission that waits in the database.
    ///
    /// # Errors
    /// 400 when they are too large together: whoever is signed in could fill the disk with them.
    pub(crate) fn kept(&self, names: &[&str]) -> Result<String, ApiError> {
        let fields = self.fields.iter().filter(|(name, _)| names.contains(&name.as_str()));
        let kept: BTreeMap<&str, &Value> = fields.map(|(name, value)| (name.as_str(), value)).collect();
        let text = serde_json::to_string(&kept).unwrap_or_default();
        if text.len() > KEPT_BYTES_MAX {
            return Err(ApiError::bad_request(format!(
                "The form is larger than {} KiB. Please send less in it.",
                KEPT_BYTES_MAX / 1024
            )));
        }
        Ok(text)
    }

    /// A submission that was parked.
    pub(crate) fn from_value(value: Value) -> Self {
        Self { fields: into_map(value) }
    }
}

fn into_map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

fn merge(fields: &mut Map<String, Value>, key: String, value: Value) {
    match (fields.get_mut(&key), value) {
        (Some(Value::Object(old)), Value::Object(new)) => {
            for (key, value) in new {
                merge(old, key, value);
            }
        }
        (_, value) => {
            fields.insert(key, value);
        }
    }
}

fn parse_json(bytes: &[u8]) -> Result<Value, ApiError> {
    if bytes.is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    serde_json::from_slice(bytes).map_err(|_| ApiError::bad_request("Unable to decode form as JSON."))
}

fn unknown_content_type(content_type: &str) -> ApiError {
    let shown: String = content_type.chars().filter(|c| !c.is_control()).take(200).collect();
    ApiError::bad_request(format!(
        "HTTP POST Request used unknown HTTP Header \"Content-Type: {shown}\", only [multipart/form-data application/x-www-form-urlencoded application/json] are supported."
    ))
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(name: &str, length: usize) -> Result<Submission, ApiError> {
        let body = serde_json::json!({ name: { "x": "a".repeat(length) } }).to_string();
        let body = Body::Json(body.into_bytes());
        Submission::decode(&SubmitInput { flow: None, query: Vec::new(), body, is_get: false }, None)
    }

    #[test]
    fn what_is_kept_as_it_was_sent_has_a_bound_and_the_field_is_named() {
        for name in ["traits", "transient_payload"] {
            assert!(decode(name, 60 * 1024).is_ok(), "{name}");
            let refused = decode(name, KEPT_BYTES_MAX).unwrap_err();
            assert_eq!(refused.code, 400);
            assert!(refused.reason.as_deref().is_some_and(|reason| reason.contains(name)), "{refused:?}");
        }
    }

    #[test]
    fn a_submission_that_waits_keeps_what_is_read_later_and_no_more_than_fits() {
        let text = decode("traits", 10).unwrap().kept(&["traits", "link"]).unwrap();
        assert_eq!(text, r#"{"traits":{"x":"aaaaaaaaaa"}}"#);
        assert_eq!(decode("anything", KEPT_BYTES_MAX).unwrap().kept(&["traits"]).unwrap(), "{}");
        let refused =
            decode("upstream_parameters", KEPT_BYTES_MAX).unwrap().kept(&["upstream_parameters"]).unwrap_err();
        assert_eq!(refused.code, 400);
    }
}
