//! The limits of the pool. Every one of them bounds something that comes from outside.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::WORKER_ARG;

/// How the pool starts a worker process: the program and the hidden arguments that make it one.
#[derive(Debug, Clone)]
pub struct WorkerProgram {
    /// The executable. `None` when the operating system cannot name the running one.
    pub program: Option<PathBuf>,
    /// Arguments before which the program must call [`crate::worker_main`].
    pub args: Vec<String>,
}

impl WorkerProgram {
    /// The running executable under its hidden subcommand, as `bia` does it.
    ///
    /// By its link in `/proc`: that leads to this very program also when an update has put another one in its place,
    /// whose workers might speak another protocol.
    #[must_use]
    pub fn current_exe() -> Self {
        let link = Path::new("/proc/self/exe");
        let program = if link.exists() { Some(link.to_owned()) } else { std::env::current_exe().ok() };
        Self { program, args: vec![WORKER_ARG.to_owned()] }
    }

    /// Another executable whose `main` is [`crate::worker_main`].
    #[must_use]
    pub fn at(program: impl Into<PathBuf>) -> Self {
        Self { program: Some(program.into()), args: vec![WORKER_ARG.to_owned()] }
    }
}

/// Limits of the mapper workers. `Settings::default()` is what `bia` serves with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Wall-clock time of one evaluation, measured by the parent from hand-over to answer. Kratos: 1 s.
    pub timeout: Duration,
    /// Live memory of one worker while it evaluates; beyond it the worker ends at once.
    pub memory_bytes: u64,
    /// Largest JSON text that an evaluation may produce. Kratos: 256 KiB.
    pub output_bytes_max: usize,
    /// Number of worker processes, at least two, so that one mapper can never hold them all.
    pub workers: usize,
    /// Largest mapper text, imports included.
    pub source_bytes_max: usize,
    /// Largest input (external variables and arguments together).
    pub input_bytes_max: usize,
    /// Evaluations that may wait for a worker; the next one is refused.
    pub queue_max: usize,
    /// How long an evaluation may wait for a worker before it is refused.
    pub queue_wait_max: Duration,
    /// A worker is replaced after this many evaluations, against slow leaks of the evaluator.
    pub recycle_after: u64,
    /// A worker is replaced after it evaluated for this long in all. Below the ten minutes of CPU time that the kernel grants it.
    pub recycle_after_busy: Duration,
    /// How a worker is started.
    pub program: WorkerProgram,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(1),
            memory_bytes: 128 * 1024 * 1024,
            output_bytes_max: 256 * 1024,
            workers: std::thread::available_parallelism().map_or(2, usize::from).max(2),
            source_bytes_max: 1024 * 1024,
            input_bytes_max: 1024 * 1024,
            queue_max: 1024,
            queue_wait_max: Duration::from_secs(10),
            recycle_after: 100_000,
            recycle_after_busy: Duration::from_secs(300),
            program: WorkerProgram::current_exe(),
        }
    }
}
