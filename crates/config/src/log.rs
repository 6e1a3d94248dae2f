//! `log`: level and form of the structured log.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The structured log on standard error.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// Lowest level that is written. Default: `info`.
    pub level: LogLevel,
    /// `json` or `text`. Default: `text`.
    pub format: LogFormat,
    /// Kratos' switch for personal data in the log. Bia never logs secrets, tokens or claims, whatever it says. Default: false.
    pub leak_sensitive_values: bool,
    /// What stands in place of a hidden value. Default: a sentence that names the switch above.
    pub redaction_text: Option<String>,
}

/// Kratos' names of log levels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Everything.
    Trace,
    /// Decisions inside a flow.
    Debug,
    /// Requests and flows.
    #[default]
    Info,
    /// What an operator should look at.
    Warning,
    /// What failed.
    Error,
    /// As `error`.
    Fatal,
    /// As `error`.
    Panic,
}

/// One JSON object per line, or words for people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One JSON object per line.
    Json,
    /// Words for people.
    #[default]
    Text,
}
