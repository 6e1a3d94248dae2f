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

/// The kind of a [`Failure`] that is an [`InputError`].
const INPUT: &str = "input";

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

impl Failure {
    /// A file that can't be used, not a mapper that failed.
    pub fn is_input(&self) -> bool {
        self.kind == INPUT
    }

    /// Output of the wrong shape has no line, but it has a mapper: the diagnostic names it below the first line.
    pub(crate) fn in_mapper(mut self, name: &str) -> Self {
        let end = self.diagnostic.find('\n').unwrap_or(self.diagnostic.len());
        self.diagnostic.insert_str(end, &format!("\n  --> {name}"));
        self
    }
}

// For programs, an input that can't be used looks like a mapper that failed.
impl From<&InputError> for Failure {
    fn from(error: &InputError) -> Self {
        let message = error.to_string();
        Self { kind: INPUT.to_owned(), diagnostic: message.clone(), message, place: None }
    }
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
