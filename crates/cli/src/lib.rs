//! The command line of `bia`: parses arguments, builds everything once, runs one command.
//!
//! `args.rs` holds every command, flag and help text. `assemble.rs` is the only place that builds things: from a
//! loaded configuration to what the server is given. `serve`, `dev` and tests all go through it, so that what is
//! tried out and tested is what runs. The commands themselves are one file each in `commands/`.
//!
//! What it never does: decide anything about flows, identities or providers; print a secret; exit with 0 after a
//! failure. Every failure is a message on standard error and exit code 1.
//!
//! Where to start: `commands/serve.rs`, then `assemble.rs`, then `reload.rs`.
//!
//! It is a library only so that end-to-end tests can embed a server ([`Foundation`]) in their own process.

pub mod args;
pub mod assemble;
mod commands;
mod core_files;
mod glob;
mod log;
mod memory;
mod notify;
mod output;
mod reload;
pub mod secrets;
mod shutdown;
mod upkeep;

pub use assemble::{AssembleError, Assembled, Foundation, StandIn};
pub use reload::texts::Texts;

use clap::Parser as _;
use std::process::ExitCode;

/// Everything after the worker branch of `main`.
pub fn main() -> ExitCode {
    memory::keep_little();
    let args = match args::Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            let failed = error.use_stderr();
            // A closed pipe is no news to somebody who closed it.
            let _ = error.print();
            // Kratos: exit code 1 on any error, wrong arguments included.
            // Commands of ours that tell "found something" from "could not look" say 2.
            let code = if std::env::args_os().nth(1).is_some_and(|first| first == "mapper" || first == "doctor") {
                2
            } else {
                1
            };
            return if failed { ExitCode::from(code) } else { ExitCode::SUCCESS };
        }
    };
    match commands::run(args) {
        Ok(code) => code,
        Err(error) => {
            output::failure(&error);
            ExitCode::FAILURE
        }
    }
}
