//! Reading what a person points at, within limits and with a sentence for each way it can fail.

use crate::error::InputError;
use serde_json::Value;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Above what a mapper or its claims may have, so that the workers refuse those by name.
const BYTES_MAX: u64 = 16 * 1024 * 1024;

/// The text of a file.
///
/// # Errors
/// Names the file: missing, a folder, too large, not UTF-8.
pub fn read_text(path: &Path) -> Result<String, InputError> {
    let file = File::open(path).map_err(|error| InputError::new(path.display(), format!("can't be read: {error}")))?;
    read_text_from(file, &path.display().to_string())
}

/// The text that a reader such as standard input gives; `place` names it in errors.
///
/// # Errors
/// As [`read_text`].
pub fn read_text_from(reader: impl Read, place: &str) -> Result<String, InputError> {
    let mut text = String::new();
    reader
        .take(BYTES_MAX + 1)
        .read_to_string(&mut text)
        .map_err(|error| InputError::new(place, format!("can't be read: {error}")))?;
    if text.len() as u64 > BYTES_MAX {
        return Err(InputError::new(place, format!("is larger than {} MiB", BYTES_MAX >> 20)));
    }
    Ok(text)
}

/// The JSON value in a file.
///
/// # Errors
/// As [`read_text`], and when it is no JSON.
pub fn read_json(path: &Path) -> Result<Value, InputError> {
    parse(&read_text(path)?, &path.display().to_string())
}

/// The JSON value that a reader such as standard input gives; `place` names it in errors.
///
/// # Errors
/// As [`read_json`].
pub fn read_json_from(reader: impl Read, place: &str) -> Result<Value, InputError> {
    parse(&read_text_from(reader, place)?, place)
}

pub(crate) fn parse(text: &str, place: &str) -> Result<Value, InputError> {
    // The parser's own message may quote a value.
    serde_json::from_str(text).map_err(|error| {
        let place = format!("{place}:{}:{}", error.line(), error.column());
        InputError::new(place, "is not valid JSON")
    })
}
