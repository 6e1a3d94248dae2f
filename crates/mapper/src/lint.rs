//! What the linter finds: mistakes that parse and run, and bite at somebody's sign-in.

use serde::{Deserialize, Serialize};

use crate::diagnostic::Excerpt;

/// One finding, at one place of the mapper.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LintFinding {
    /// Which rule, by a name that stays: `unguarded-claim`, `null-output`, `unknown-trait`, `missing-trait`,
    /// `editable-right`, `unproven-address`, `shadowed-local`, `unused-local`.
    pub rule: String,
    pub severity: LintSeverity,
    /// What is wrong, in one sentence.
    pub message: String,
    /// What to write instead.
    pub hint: Option<String>,
    /// First line and column, counted from one; 0 when the finding is about the whole mapper.
    pub line: usize,
    pub column: usize,
    pub excerpt: Option<Excerpt>,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LintSeverity {
    /// Works for some people, or only looks odd.
    Warning,
    /// Fails every sign-in that reaches it, or gives somebody what is not theirs.
    Error,
}
