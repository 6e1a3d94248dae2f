//! The other side of the pipe.

pub(crate) mod limits;

/// What the hidden subcommand runs: a mapper worker over stdin and stdout. Call it before anything else starts.
pub fn worker_main() -> ! {
    std::process::exit(0)
}
