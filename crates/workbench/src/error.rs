//! The two ways in which a command ends badly: it could not look, or it looked and found a failure.

use bia_mapper::{Diagnostic, MapperError, OutputError};
use serde::Serialize;

/// Something that a person handed in can't be used. Exit code 2.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct InputError {
    /// The file, or the option.
    pub place: String,
    /// What is wrong with it and what to do; never a value out of it.
    pub problem: String,
}

impl InputError {
    pub(crate) fn new(place: impl std::fmt::Display, problem: impl Into<String>) -> Self {
        Self { place: place.to_string(), problem: problem.into() }
    }
}

/// A mapper that failed, for people and for programs. Exit code 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// A name that stays, see [`MapperError::kind`]; `schema` when the identity schema refuses the traits.
    pub kind: String,
    /// One sentence.
    pub message: String,
    /// The whole story: position, excerpt with a caret, what is there instead, hints.
    pub diagnostic: String,
    /// The same as data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Diagnostic>,
}

impl From<MapperError> for Failure {
    fn from(error: MapperError) -> Self {
        Self {
            kind: error.kind().to_owned(),
            message: error.snippet().map_or_else(|| error.to_string(), |place| place.message.clone()),
            diagnostic: error.diagnostic(),
            place: error.snippet().cloned(),
        }
    }
}

impl From<OutputError> for Failure {
    fn from(error: OutputError) -> Self {
        MapperError::Output(error).into()
    }
}
