//! The handle that the rest of the program holds: checks sizes, asks the pool, reads the answer.

use std::sync::Arc;
use std::time::Instant;

use sha2::{Digest, Sha256};
use tracing::Instrument as _;

use crate::error::MapperError;
use crate::lint::LintFinding;
use crate::output::{MappedIdentity, mapped_identity};
use crate::pool::{Pool, Work};
use crate::protocol::{Job, LINT_SCHEMA};
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
    pool: Arc<Pool>,
    limits: Limits,
}

#[derive(Clone, Copy)]
struct Limits {
    source_bytes_max: usize,
    input_bytes_max: usize,
}

impl Mapper {
    /// Prepares the pool. Workers start with the first evaluation.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let limits = Limits { source_bytes_max: settings.source_bytes_max, input_bytes_max: settings.input_bytes_max };
        Self { pool: Arc::new(Pool::new(settings)), limits }
    }

    /// Evaluates a snippet to JSON text, whatever its shape.
    ///
    /// # Errors
    /// See [`MapperError`]; each names the snippet.
    pub async fn evaluate(&self, evaluation: Evaluation<'_>) -> Result<String, MapperError> {
        self.run(Job::Evaluate, evaluation).await
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
        self.map_identity_with(source, claims_json, identity_json, &[]).await
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
        let output = self.evaluate(Evaluation { source: *source, ext_vars: &ext_vars, tla: &[], imports }).await?;
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
        self.run(Job::Check, Evaluation { source: *source, ext_vars: &[], tla: &[], imports: &[] }).await.map(drop)
    }

    /// Looks for mistakes that run; with the identity schema, also for traits that it lacks or requires.
    ///
    /// # Errors
    /// See [`MapperError`]; a mapper that does not parse is one.
    pub async fn lint(&self, source: &Source<'_>, schema_json: Option<&str>) -> Result<Vec<LintFinding>, MapperError> {
        let schema = schema_json.map(|json| (LINT_SCHEMA, json));
        let evaluation = Evaluation { source: *source, ext_vars: schema.as_slice(), tla: &[], imports: &[] };
        let findings = self.run(Job::Lint, evaluation).await?;
        serde_json::from_str(&findings).map_err(|_| MapperError::WorkerLied {
            name: source.name.to_owned(),
            what: "unreadable findings".to_owned(),
        })
    }

    /// Lays a snippet out anew: same tokens, same comments, same line breaks, one way of spacing and indenting.
    ///
    /// # Errors
    /// See [`MapperError`]; a snippet that does not parse is left alone.
    pub async fn format(&self, source: &Source<'_>) -> Result<String, MapperError> {
        self.run(Job::Format, Evaluation { source: *source, ext_vars: &[], tla: &[], imports: &[] }).await
    }

    /// Ends all workers and waits for them. Evaluations that wait or run fail with [`MapperError::ShutDown`].
    pub async fn shutdown(&self) {
        let threads = self.pool.close();
        let joined = tokio::task::spawn_blocking(move || threads.into_iter().for_each(|thread| drop(thread.join())));
        if joined.await.is_err() {
            tracing::warn!("a thread of the mapper pool could not be waited for");
        }
    }

    /// A look at the pool.
    #[must_use]
    pub fn stats(&self) -> PoolStats {
        self.pool.stats()
    }

    async fn run(&self, job: Job, evaluation: Evaluation<'_>) -> Result<String, MapperError> {
        let started = Instant::now();
        let span = tracing::info_span!(target: bia_telemetry::trace::TARGET, "mapper evaluation", outcome = tracing::field::Empty);
        let result = match self.work(job, evaluation) {
            Ok(work) => self.pool.run(work).instrument(span.clone()).await,
            Err(refused) => Err(refused),
        };
        let outcome = result.as_ref().map_or_else(MapperError::kind, |_| "ok");
        span.record("outcome", outcome);
        metrics::counter!("bia_mapper_evaluations_total", "outcome" => outcome).increment(1);
        metrics::histogram!("bia_mapper_evaluation_duration_seconds").record(started.elapsed().as_secs_f64());
        result
    }

    /// Checks the sizes, so that what is too large never reaches a worker, and owns the texts.
    fn work(&self, job: Job, evaluation: Evaluation<'_>) -> Result<Work, MapperError> {
        let Evaluation { source, ext_vars, tla, imports } = evaluation;
        let name = source.name.to_owned();
        let size = source.text.len() + imports.iter().map(|(path, text)| path.len() + text.len()).sum::<usize>();
        let max = self.limits.source_bytes_max;
        if size > max {
            return Err(MapperError::SourceTooLarge { name, size, max });
        }
        let size = ext_vars.iter().chain(tla).map(|(variable, json)| variable.len() + json.len()).sum::<usize>();
        let max = self.limits.input_bytes_max;
        if size > max {
            return Err(MapperError::InputTooLarge { name, size, max });
        }
        let owned = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(name, json)| ((*name).to_owned(), (*json).to_owned())).collect()
        };
        Ok(Work {
            job,
            hash: Sha256::digest(source.text).into(),
            name,
            text: source.text.to_owned(),
            ext_vars: owned(ext_vars),
            tla: owned(tla),
            imports: imports.to_vec(),
        })
    }
}
