//! What can be asked for.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use serde::Serialize;

use crate::scenario::Kind;

/// Loads servers that speak Kratos' API, and says what that cost.
#[derive(Parser)]
#[command(version, after_help = "Exit codes: 0 done; 1 a flow failed or a session was lost; 2 could not measure.")]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Scenarios one after another, alternately on each server.
    Run(RunArgs),
    /// A mix at a set rate, a fault each minute, and a ledger of sessions.
    Soak(SoakArgs),
    /// Logins among more and more people.
    Scale(ScaleArgs),
}

/// Which servers, with which database and provider.
#[derive(ClapArgs, Clone)]
pub(crate) struct Setup {
    /// `name=command`, where `{config}` stands for the configuration file; several are compared.
    #[arg(long = "server", value_name = "NAME=COMMAND", default_value = "bia=bia serve -c {config} --dev")]
    pub(crate) servers: Vec<String>,
    /// `name=command` to run once before that server starts, such as its migrations.
    #[arg(long = "prepare", value_name = "NAME=COMMAND")]
    pub(crate) prepare: Vec<String>,
    /// `sqlite`, or the address of a PostgreSQL server on which databases may be created and dropped.
    #[arg(long, default_value = "sqlite")]
    pub(crate) database: String,
    /// How the servers know the stand-in. Kratos cannot be told where Entra is, so that comparisons use `generic`.
    #[arg(long, value_enum, default_value = "microsoft")]
    pub(crate) provider: ProviderKind,
    /// JSON laid over each server's configuration.
    #[arg(long, value_name = "JSON")]
    pub(crate) overlay: Option<String>,
    /// Where reports go.
    #[arg(long, value_name = "FOLDER", default_value = "target/bench")]
    pub(crate) out: PathBuf,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ProviderKind {
    Microsoft,
    Generic,
}

#[derive(ClapArgs)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) setup: Setup,
    /// What people do; all of them one after another by default.
    #[arg(long = "scenario", value_enum)]
    pub(crate) scenarios: Vec<Kind>,
    /// People at once.
    #[arg(long, default_value_t = 8)]
    pub(crate) people: usize,
    /// Flows per second, begun at their time whatever became of those before; left out: as fast as it goes.
    #[arg(long)]
    pub(crate) rate: Option<f64>,
    /// Seconds for each scenario in each round.
    #[arg(long, default_value = "10", value_parser = seconds)]
    pub(crate) duration: Duration,
    /// At least so many flows of each scenario in each round, however long that takes.
    #[arg(long, default_value_t = 0)]
    pub(crate) at_least: u64,
    /// How often each server gets its turn.
    #[arg(long, default_value_t = 1)]
    pub(crate) rounds: usize,
}

#[derive(ClapArgs)]
pub(crate) struct SoakArgs {
    #[command(flatten)]
    pub(crate) setup: Setup,
    /// People at once at most.
    #[arg(long, default_value_t = 32)]
    pub(crate) people: usize,
    /// Flows per second; left out: half of what a first measurement of 20 seconds finds.
    #[arg(long)]
    pub(crate) rate: Option<f64>,
    /// Seconds.
    #[arg(long, default_value = "3600", value_parser = seconds)]
    pub(crate) duration: Duration,
    /// Seconds from one fault to the next.
    #[arg(long, default_value = "60", value_parser = seconds)]
    pub(crate) fault_every: Duration,
    /// Seeds the order of faults.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
}

#[derive(ClapArgs)]
pub(crate) struct ScaleArgs {
    #[command(flatten)]
    pub(crate) setup: Setup,
    /// Identities in the database, ascending; each has two sessions.
    #[arg(long, value_delimiter = ',', default_value = "1,1000,100000,1000000")]
    pub(crate) identities: Vec<u64>,
    /// Logins that are measured at each size.
    #[arg(long, default_value_t = 1000)]
    pub(crate) flows: u64,
    /// Also measures `/sessions/whoami` with that many requests.
    #[arg(long, default_value_t = 20_000)]
    pub(crate) whoami: u64,
    /// Also expires all but the last 1,000 sessions at the end, and lets people sign in while this command cleans up,
    /// such as `bia cleanup sql -c {config} --json`.
    #[arg(long, value_name = "COMMAND")]
    pub(crate) cleanup: Option<String>,
    /// Seconds of sign-ins before that command, and as many beside it.
    #[arg(long, default_value = "30", value_parser = seconds)]
    pub(crate) duration: Duration,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let number: f64 = text.parse().map_err(|_| format!("`{text}` is no number of seconds"))?;
    Duration::try_from_secs_f64(number).map_err(|error| error.to_string())
}
