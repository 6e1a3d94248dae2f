//! The `bia` program: a mapper worker when it is started as one, else the command line.

use std::process::ExitCode;

/// The system's, which gives back what a start needed: an idle server is a quarter of what others kept. Metered, so that a
/// mapper worker's limit is exact.
#[global_allocator]
static ALLOCATOR: bia_mapper::MeteredAllocator<std::alloc::System> =
    bia_mapper::MeteredAllocator::over(std::alloc::System);

fn main() -> ExitCode {
    // First of all: a runtime, TLS or a log that ran already would be inside the worker's limits.
    if std::env::args_os().nth(1).as_deref() == Some(bia_mapper::WORKER_ARG.as_ref()) {
        bia_mapper::worker_main();
    }
    bia::main()
}
