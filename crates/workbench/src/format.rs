//! Lays mappers out: says what would change, or changes it.

use crate::error::{Failure, InputError};
use bia_mapper::{Mapper, Source};
use serde::Serialize;
use std::path::Path;

/// One file, laid out.
#[derive(Clone, Debug, Serialize)]
pub struct Formatted {
    pub file: String,
    /// The file is laid out otherwise.
    pub changed: bool,
    /// The text laid out; empty when it does not parse.
    pub text: String,
    /// It does not parse, and was left alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Failure>,
}

impl Formatted {
    /// A file that could not be read.
    pub fn unreadable(file: String, error: &InputError) -> Self {
        Self { file, changed: false, text: String::new(), error: Some(error.into()) }
    }
}

/// Lays a mapper out.
pub async fn format(mapper: &Mapper, source: Source<'_>) -> Formatted {
    let file = source.name.to_owned();
    match mapper.format(&source).await {
        Ok(text) => Formatted { file, changed: text != source.text, text, error: None },
        Err(error) => Formatted { file, changed: false, text: String::new(), error: Some(error.into()) },
    }
}

/// Writes the file when it is laid out otherwise.
///
/// # Errors
/// It can't be written.
pub fn write(path: &Path, formatted: &Formatted) -> Result<(), InputError> {
    if !formatted.changed || formatted.error.is_some() {
        return Ok(());
    }
    std::fs::write(path, &formatted.text)
        .map_err(|error| InputError::new(path.display(), format!("can't be written: {error}")))
}
