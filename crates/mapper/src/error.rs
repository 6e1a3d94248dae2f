//! Why an evaluation failed. Each error has two texts: what a visitor may see, and what the log and the command line need.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use crate::diagnostic::Diagnostic;

/// What went wrong with a mapper, named by what the caller can act on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MapperError {
    /// The text does not parse, does not pass static analysis, or failed while it ran.
    #[error("{}: {}", .0.position(), .0.message)]
    Snippet(Box<Diagnostic>),
    /// The mapper ran, but its output has the wrong shape.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// The mapper's text (with its imports) is larger than the configured limit.
    #[error("mapper `{name}` is {size} bytes, more than the {max} that are allowed")]
    SourceTooLarge { name: String, size: usize, max: usize },
    /// The claims (or other input) are larger than the configured limit.
    #[error("the input of mapper `{name}` is {size} bytes, more than the {max} that are allowed")]
    InputTooLarge { name: String, size: usize, max: usize },
    /// An input is not JSON. Never shows the input.
    #[error("input `{variable}` of mapper `{name}` is not valid JSON (line {line}, column {column})")]
    InputInvalid { name: String, variable: String, line: usize, column: usize },
    /// The output is larger than the configured limit.
    #[error("mapper `{name}` produced more than the {max} bytes that its output may have")]
    OutputTooLarge { name: String, max: usize },
    /// The deadline passed; the worker was killed and replaced.
    #[error("mapper `{name}` did not finish within {after:?} and was stopped")]
    Timeout { name: String, after: Duration },
    /// The worker reached its memory limit and ended.
    #[error("mapper `{name}` needed more than {limit} bytes of memory and was stopped")]
    OutOfMemory { name: String, limit: u64 },
    /// The worker's native stack ran out, which deeply nested text or data can do.
    #[error("mapper `{name}` is nested too deeply, or builds data that is, and was stopped")]
    StackExhausted { name: String },
    /// The evaluator met a fault of its own, as it does with absurd numbers in formats.
    #[error("the evaluator failed on mapper `{name}` with a fault of its own")]
    EvaluatorPanicked { name: String },
    /// The worker ended for another reason, for example killed from outside.
    #[error("the worker process ended while it ran mapper `{name}` ({how})")]
    WorkerDied { name: String, how: String },
    /// The worker's answer broke the protocol; it was killed and replaced.
    #[error("the worker process gave a malformed answer for mapper `{name}`: {what}")]
    WorkerLied { name: String, what: String },
    /// No worker process could be started.
    #[error("no mapper worker could be started: {cause}")]
    WorkerUnavailable { cause: String },
    /// As many evaluations wait as may wait.
    #[error("{max} mapper evaluations are waiting already; this one was refused")]
    QueueFull { max: usize },
    /// No worker became free in time.
    #[error("no mapper worker became free within {after:?}")]
    QueueTimeout { after: Duration },
    /// The pool has been shut down.
    #[error("the mapper workers have been shut down")]
    ShutDown,
}

impl MapperError {
    /// A stable name for metrics, `--json` output and tests.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Snippet(diagnostic) => diagnostic.kind.as_str(),
            Self::Output(_) => "output_shape",
            Self::SourceTooLarge { .. } => "source_too_large",
            Self::InputTooLarge { .. } => "input_too_large",
            Self::InputInvalid { .. } => "input_invalid",
            Self::OutputTooLarge { .. } => "output_too_large",
            Self::Timeout { .. } => "timeout",
            Self::OutOfMemory { .. } => "out_of_memory",
            Self::StackExhausted { .. } => "stack_exhausted",
            Self::EvaluatorPanicked { .. } => "evaluator_panicked",
            Self::WorkerDied { .. } => "worker_died",
            Self::WorkerLied { .. } => "worker_lied",
            Self::WorkerUnavailable { .. } => "worker_unavailable",
            Self::QueueFull { .. } => "queue_full",
            Self::QueueTimeout { .. } => "queue_timeout",
            Self::ShutDown => "shut_down",
        }
    }

    /// The HTTP status that Kratos answers with in this case; load errors, which Kratos lacks, are 503.
    #[must_use]
    pub fn code(&self) -> u16 {
        match self {
            Self::Output(output) => output.code(),
            Self::QueueFull { .. } | Self::QueueTimeout { .. } | Self::ShutDown => 503,
            _ => 500,
        }
    }

    /// The `id` of Kratos' error body, where it has one.
    #[must_use]
    pub fn error_id(&self) -> Option<&'static str> {
        match self {
            Self::Output(output) => output.error_id(),
            _ => None,
        }
    }

    /// What a visitor may read: Kratos' sentence for wrong output, else one that quotes nothing of the mapper or its input.
    #[must_use]
    pub fn visitor_reason(&self) -> Cow<'static, str> {
        match self {
            Self::Output(output) => Cow::Owned(output.to_string()),
            Self::QueueFull { .. } | Self::QueueTimeout { .. } | Self::ShutDown => {
                Cow::Borrowed("Too many people are signing in right now. Please try again in a moment.")
            }
            _ => Cow::Borrowed(
                "The data of your account could not be processed. Please contact the system administrator.",
            ),
        }
    }

    /// Everything an operator needs: position, excerpt with a caret, neighbours and hints. Claim values are redacted.
    #[must_use]
    pub fn diagnostic(&self) -> String {
        match self {
            Self::Snippet(diagnostic) => diagnostic.to_string(),
            other => match other.advice() {
                Some(advice) => format!("{other}\n  = help: {advice}"),
                None => other.to_string(),
            },
        }
    }

    /// The position and hints of a failed snippet, for `--json` output.
    #[must_use]
    pub fn snippet(&self) -> Option<&Diagnostic> {
        match self {
            Self::Snippet(diagnostic) => Some(diagnostic),
            _ => None,
        }
    }

    /// Whether the snippet said `error 'cancel'`.
    // Kratos: a web-hook body that does so skips its call silently; matched by the beginning of the text.
    #[must_use]
    pub fn is_cancel(&self) -> bool {
        self.snippet().is_some_and(|diagnostic| diagnostic.cancel)
    }

    fn advice(&self) -> Option<&'static str> {
        Some(match self {
            Self::Output(output) => output.advice(),
            Self::SourceTooLarge { .. } => "split the mapper, or move data out of it; the limit is 1 MiB with imports",
            Self::InputTooLarge { .. } => {
                "ask the provider for fewer claims, for example only the groups assigned to the application"
            }
            Self::OutputTooLarge { .. } => {
                "return only what traits and metadata need; `bia.mapper.output` is the limit"
            }
            Self::Timeout { .. } => {
                "look for an endless recursion or a very large loop; `bia.mapper.timeout` is the limit"
            }
            Self::OutOfMemory { .. } => {
                "look for strings or arrays that double or repeat; `bia.mapper.memory` is the limit"
            }
            Self::StackExhausted { .. } => "look for deep nesting, in the text or in data built by a fold",
            Self::QueueFull { .. } | Self::QueueTimeout { .. } => {
                "a slow mapper may hold the workers; look at bia_mapper_evaluations_total by outcome"
            }
            Self::WorkerUnavailable { .. } => {
                "check that the executable is readable and that processes may be started (pids limit, noexec)"
            }
            _ => return None,
        })
    }
}

/// An output key of the wrong shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputError {
    /// The path of the key, as `identity.traits`.
    pub key: &'static str,
    /// What was expected there.
    pub expected: Expected,
}

/// What an output key has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// A JSON object.
    Object,
    /// A JSON array.
    Array,
    /// A string.
    String,
    /// An array whose elements are `{ via: string, value: string }`.
    Addresses,
    /// One of Ory's regions.
    Region,
}

impl fmt::Display for OutputError {
    // Kratos: these sentences word for word; SDKs and tests of deployments match on them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, expected } = self;
        match expected {
            Expected::Region => f.write_str("the provided region is not a valid Ory region"),
            Expected::Addresses => {
                write!(f, "Failed to unmarshal value for key {key}. Please check your Jsonnet code!")
            }
            Expected::Object | Expected::Array | Expected::String => write!(
                f,
                "OpenID Connect Jsonnet mapper did not return {} for key {key}. Please check your Jsonnet code!",
                match expected {
                    Expected::Object => "an object",
                    Expected::Array => "an array",
                    _ => "a string",
                }
            ),
        }
    }
}

impl std::error::Error for OutputError {}

impl OutputError {
    fn code(&self) -> u16 {
        // Kratos: wrong verified_addresses are a bad request, which leads back to the flow; all others are its error page.
        if self.key == "identity.verified_addresses" || self.expected == Expected::Region { 400 } else { 500 }
    }

    fn error_id(&self) -> Option<&'static str> {
        // Kratos: wrong traits are a plain internal error without an id.
        (self.key != "identity.traits" && self.code() == 500).then_some("invalid_configuration")
    }

    fn advice(&self) -> &'static str {
        match self.key {
            "identity.traits" => "a mapper evaluates to { identity: { traits: { … } } }",
            "identity.metadata_public" | "identity.metadata_admin" => {
                "leave the key out instead of setting it to null: `[if cond then 'metadata_public']: { … }`"
            }
            "identity.verified_addresses" => "verified_addresses is a list of { via: 'email', value: '…' }",
            "identity.region" => "leave the key out instead of setting it to anything but a string",
            _ => "a mapper refuses a sign-in with { deny: { reason: '…' } }",
        }
    }
}
