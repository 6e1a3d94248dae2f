//! Failures below a handler, as Kratos' error envelope.

use bia_model::ApiError;
use bia_store::StoreError;

/// What a client is told about the database; the log has the rest.
pub(crate) fn store(error: &StoreError) -> ApiError {
    bia_selfservice::store_error(error)
}

/// Kratos: an identifier in a path that is no UUID, in the words of its parser.
pub(crate) fn not_a_uuid(text: &str) -> ApiError {
    let message = match text.len() {
        32 | 34 | 36 | 41 | 45 => format!("uuid: incorrect UUID format in string {text:?}"),
        length => format!("uuid: incorrect UUID length {length} in string {text:?}"),
    };
    ApiError::new(400).with_message(message)
}
