//! The handle that the rest of the program holds: checks sizes, asks the pool, reads the answer.

use std::sync::Arc;

use crate::error::MapperError;
use crate::output::{MappedIdentity, mapped_identity};
use crate::settings::Settings;

/// The `identity` that a mapper sees at registration, when there is none yet.
// Kratos: always defined, with empty objects, so that `std.extVar('identity').traits` never fails.
pub const NO_IDENTITY: &str = r#"{"traits":{},"metadata_public":{},"metadata_admin":{}}"#;

/// A snippet and the name by which messages call it: a file name or a provider id.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    pub name: &'a str,
    pub text: &'a str,
}

/// One evaluation. Names are Jsonnet names, values are JSON texts.
#[derive(Debug, Clone, Copy)]
pub struct Evaluation<'a> {
    pub source: Source<'a>,
    /// `std.extVar`: `claims` and `identity` for mappers, `session` and `claims` for tokenizers.
    pub ext_vars: &'a [(&'a str, &'a str)],
    /// Arguments of a snippet that is a function: `ctx` for web-hook bodies.
    pub tla: &'a [(&'a str, &'a str)],
    /// Paths as the snippet writes them, and the texts behind them. Nothing else can be imported.
    pub imports: &'a [(String, String)],
}

/// A look at the pool, for health pages and tests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PoolStats {
    /// Worker processes alive.
    pub workers: usize,
    /// Evaluations running now.
    pub running: usize,
    /// Evaluations waiting for a worker.
    pub waiting: usize,
    /// Worker processes started since the pool began.
    pub started: u64,
    /// Evaluations finished, with any outcome.
    pub evaluated: u64,
}

/// The pool of workers. Cheap to clone; the workers end with the last handle or with [`Mapper::shutdown`].
#[derive(Clone)]
pub struct Mapper {
    settings: Arc<Settings>,
}

impl Mapper {
    /// Prepares the pool. Workers start with the first evaluation.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            settings: Arc::new(settings),
        }
    }

    /// Evaluates a snippet to JSON text, whatever its shape.
    ///
    /// # Errors
    /// See [`MapperError`]; each names the snippet.
    pub async fn evaluate(&self, evaluation: Evaluation<'_>) -> Result<String, MapperError> {
        let _ = (evaluation, &self.settings);
        Err(MapperError::ShutDown)
    }

    /// Evaluates a mapper over claims and reads its output with Kratos' rules.
    ///
    /// # Errors
    /// See [`MapperError`]; `code` and `error_id` say where each leads.
    pub async fn map_identity(
        &self,
        source: &Source<'_>,
        claims_json: &str,
        identity_json: &str,
    ) -> Result<MappedIdentity, MapperError> {
        self.map_identity_with(source, claims_json, identity_json, &[])
            .await
    }

    /// [`Mapper::map_identity`] for a mapper that imports; `imports` as in [`Evaluation`].
    ///
    /// # Errors
    /// See [`MapperError`].
    pub async fn map_identity_with(
        &self,
        source: &Source<'_>,
        claims_json: &str,
        identity_json: &str,
        imports: &[(String, String)],
    ) -> Result<MappedIdentity, MapperError> {
        let ext_vars = [("claims", claims_json), ("identity", identity_json)];
        let output = self
            .evaluate(Evaluation {
                source: *source,
                ext_vars: &ext_vars,
                tla: &[],
                imports,
            })
            .await?;
        let output = serde_json::from_str(&output).map_err(|error| MapperError::WorkerLied {
            name: source.name.to_owned(),
            what: format!("output is not JSON at column {}", error.column()),
        })?;
        Ok(mapped_identity(output)?)
    }

    /// Parses and analyses a snippet without running it.
    ///
    /// # Errors
    /// See [`MapperError`].
    pub async fn check(&self, source: &Source<'_>) -> Result<(), MapperError> {
        let _ = source;
        Err(MapperError::ShutDown)
    }

    /// Ends all workers and waits for them. Evaluations that wait or run fail with [`MapperError::ShutDown`].
    pub async fn shutdown(&self) {}

    /// A look at the pool.
    #[must_use]
    pub fn stats(&self) -> PoolStats {
        PoolStats::default()
    }
}
