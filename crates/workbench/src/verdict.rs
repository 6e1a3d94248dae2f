//! What the identity schema says about traits.

use crate::error::{Failure, InputError};
use crate::files;
use bia_model::{IdentitySchema, SchemaOptions};
use serde::Serialize;
use serde_json::Value;
use std::fmt::Write as _;
use std::path::Path;

/// Whether the traits are allowed, and all that is wrong with them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    pub valid: bool,
    pub refusals: Vec<Refusal>,
}

/// One refused trait.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// Where, as `#/traits/email`.
    pub pointer: String,
    /// What the visitor would read.
    pub message: String,
}

impl Verdict {
    pub(crate) fn of(schema: &IdentitySchema, traits: &Value) -> Self {
        let refusals: Vec<_> = schema
            .validate(traits)
            .into_iter()
            .map(|error| Refusal { pointer: error.pointer, message: error.message.text })
            .collect();
        Self { valid: refusals.is_empty(), refusals }
    }

    /// As a failure, when it is one.
    pub(crate) fn failure(&self) -> Option<Failure> {
        let mut lines = String::from("the identity schema refuses the traits");
        for refusal in &self.refusals {
            let _ = write!(lines, "\n  {}: {}", refusal.pointer, refusal.message);
        }
        (!self.valid).then(|| Failure {
            kind: "schema".to_owned(),
            message: "the identity schema refuses the traits".to_owned(),
            diagnostic: lines,
            place: None,
        })
    }
}

/// Reads and compiles an identity schema.
///
/// # Errors
/// The file can't be read, or is no identity schema.
pub fn schema(path: &Path) -> Result<IdentitySchema, InputError> {
    let document = files::read_json(path)?;
    IdentitySchema::parse(&path.display().to_string(), document, SchemaOptions::default())
        .map_err(|error| InputError::new(path.display(), format!("at {}: {}", error.pointer, error.problem)))
}
