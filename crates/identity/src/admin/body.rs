//! JSON bodies of the admin API, with failures in the words of Go's decoder, which scripts match on.

use bia_model::ApiError;
use serde::de::DeserializeOwned;

/// Decodes a body whose type refuses unknown keys.
///
/// # Errors
/// 400 with the decoder's text as `message`.
pub fn decode_strict<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    serde_json::from_slice(body).map_err(|error| ApiError::new(400).with_message(go_text(body, &error)))
}

/// Decodes a body and leaves unknown keys alone.
///
/// # Errors
/// 400 with a reason, as Kratos' body decoder.
pub fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    if body.is_empty() {
        return Err(ApiError::bad_request(
            "Unable to decode HTTP Request Body because its HTTP Header \"Content-Length\" is zero.",
        ));
    }
    serde_json::from_slice(body)
        .map_err(|error| ApiError::bad_request(format!("Unable to decode JSON payload: {}", go_text(body, &error))))
}

/// The text of a failure as Go's `encoding/json` has it, as far as it matters.
pub(super) fn go_text(body: &[u8], error: &serde_json::Error) -> String {
    let text = error.to_string();
    if body.is_empty() {
        return "EOF".to_owned();
    }
    if error.is_eof() {
        return "unexpected EOF".to_owned();
    }
    if let Some(name) = text.strip_prefix("unknown field `").and_then(|rest| rest.split('`').next()) {
        return format!("json: unknown field {name:?}");
    }
    let place = format!("line {} column {}", error.line(), error.column());
    match error.classify() {
        serde_json::error::Category::Syntax => format!("invalid JSON at {place}"),
        // serde quotes the value it found; an import holds personal data, so only its place is named.
        _ => format!("json: a value at {place} does not have the expected type"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Known {
        #[serde(rename = "a")]
        _a: Option<bool>,
    }

    fn message(body: &str) -> String {
        decode_strict::<Known>(body.as_bytes()).unwrap_err().message
    }

    #[test]
    fn failures_read_as_in_go_and_quote_no_value() {
        assert_eq!(message(""), "EOF");
        assert_eq!(message("{"), "unexpected EOF");
        assert_eq!(message(r#"{"nonsense":1}"#), "json: unknown field \"nonsense\"");
        assert!(!message(r#"{"a":"alice@contoso.example"}"#).contains("alice"));
        assert!(message("nope").starts_with("invalid JSON at line 1"));
    }
}
