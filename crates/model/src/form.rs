//! Decoding of submitted bodies (Kratos: `decoderx`).

use crate::error::ApiError;
use crate::identity_schema::IdentitySchema;
use serde_json::Value;

/// A form (or query): dotted keys become nested objects, values of traits are coerced by the schema.
pub fn decode(
    _pairs: &[(String, String)],
    _schema: Option<&IdentitySchema>,
) -> Result<Value, ApiError> {
    Ok(Value::Null)
}

/// A JSON body: nested objects or dotted keys, brought to the same shape as a form.
pub fn decode_json(body: Value, _schema: Option<&IdentitySchema>) -> Result<Value, ApiError> {
    Ok(body)
}
