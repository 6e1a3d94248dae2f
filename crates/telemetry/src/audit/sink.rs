//! Where lines go: into the log, to standard output, or into a file of their own.

use super::writer::{Target, Writer};
use std::path::PathBuf;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};
use std::time::Duration;

/// Where audit events are written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Output {
    /// Into the structured log, with the target `bia::audit`, whatever its level.
    #[default]
    Log,
    /// JSON lines on standard output.
    Stdout,
    /// JSON lines, appended to this file.
    File(PathBuf),
}

/// What the operator decided.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Where to.
    pub output: Output,
    /// Whether address, user agent and e-mail are written, too.
    pub personal_data: bool,
}

/// Why events can't be written where they should.
#[derive(Debug, thiserror::Error)]
#[error("bia.audit.file: {} can't be written: {why}. Its folder must exist and be writable by this user", path.display())]
pub struct AuditError {
    path: PathBuf,
    why: String,
}

impl AuditError {
    pub(super) fn new(path: PathBuf, why: impl ToString) -> Self {
        Self { path, why: why.to_string() }
    }
}

#[derive(Default)]
pub(super) struct Sink {
    settings: Settings,
    pub(super) personal_data: bool,
    pub(super) writer: Option<Writer>,
}

static SINK: LazyLock<RwLock<Arc<Sink>>> = LazyLock::new(RwLock::default);

fn current() -> Arc<Sink> {
    Arc::clone(&SINK.read().unwrap_or_else(PoisonError::into_inner))
}

pub(super) fn with(work: impl FnOnce(&Sink)) {
    work(&current());
}

/// Writes events as `settings` says from now on. Call it at the start and after each change of the configuration; what
/// was recorded before is still written where it belonged.
///
/// # Errors
/// When the file can't be opened; events then go on as before.
pub fn start(settings: &Settings) -> Result<(), AuditError> {
    if current().settings == *settings {
        return Ok(());
    }
    let writer = match &settings.output {
        Output::Log => None,
        Output::Stdout => Some(Writer::start(Target::Stdout)?),
        Output::File(path) => Some(Writer::start(Target::open(path.clone())?)?),
    };
    let sink = Sink { settings: settings.clone(), personal_data: settings.personal_data, writer };
    *SINK.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(sink);
    Ok(())
}

/// Opens the file anew, after a tool moved it away (`logrotate` and SIGHUP). Without a file nothing happens.
pub fn reopen() {
    if let Some(writer) = &current().writer {
        writer.reopen();
    }
}

/// Waits until everything recorded so far is written, but no longer than `limit`.
pub fn flush(limit: Duration) {
    if let Some(writer) = &current().writer {
        writer.flush(limit);
    }
}
