//! `bia-bench`: a load tool for servers that speak Kratos' API.
//!
//! It starts the server or servers that it is told to measure, plays a provider and many people, and reports what it
//! saw: flows per second, latencies, CPU and memory of the server's whole process tree, calls upstream, failures.
//!
//! - `run` drives one scenario after another, alternating between the servers, so that what else happens on the machine
//!   meets all of them.
//! - `soak` mixes everything at a set rate with a fault each minute and keeps a ledger of every session that a browser
//!   was told of.
//! - `scale` fills a database with more and more people and measures what a login costs among them.
//!
//! It never measures the stand-in: that one runs in this process, whose CPU is not counted, and the time that it takes
//! inside a callback is taken off. It never reaches beyond loopback.
//!
//! Start reading at `scenario.rs` (what a flow is), then `load.rs` (closed and open loop) and `server.rs`.

// A command-line tool talks on its standard output.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod args;
mod fill;
mod load;
mod person;
mod plot;
mod process;
mod provider;
mod report;
mod run;
mod scale;
mod scenario;
mod server;
mod soak;

use std::process::ExitCode;

use clap::Parser as _;

use crate::args::{Args, Command};

#[tokio::main]
async fn main() -> ExitCode {
    // An earlier choice of the same is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let done = match Args::parse().command {
        Command::Run(args) => run::run(args).await,
        Command::Soak(args) => soak::soak(args).await,
        Command::Scale(args) => scale::scale(args).await,
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("bia-bench: {error:#}");
            ExitCode::from(2)
        }
    }
}
