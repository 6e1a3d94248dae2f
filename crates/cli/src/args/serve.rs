//! `bia serve`, `bia dev`, and where a configuration comes from.

use clap::Args as ClapArgs;
use std::path::PathBuf;

pub(super) const SERVE_HELP: &str = "\
Examples:
  bia serve -c kratos.yml
  bia serve all -c base.yml -c production.yml
  DSN=postgres://… bia serve -c kratos.yml --strict

The database is created and migrated at start, after a look at whose it is: one that belongs to \
Kratos, to another program or to a newer Bia is refused untouched.
Exit codes: 0 stopped by SIGTERM or SIGINT, answers in progress finished; 1 not started.";

/// Where the configuration comes from.
#[derive(Debug, Default, ClapArgs)]
pub struct ConfigFiles {
    /// Configuration file (.yml, .yaml, .json or .toml); repeat it or separate by commas, later ones win
    #[arg(short = 'c', long = "config", value_name = "FILE", value_delimiter = ',')]
    pub config: Vec<PathBuf>,
}

/// `bia serve`.
#[derive(Debug, ClapArgs)]
pub struct Serve {
    /// `all`, as in Kratos; it changes nothing
    #[arg(value_name = "all", hide = true)]
    pub what: Vec<String>,
    /// The configuration.
    #[command(flatten)]
    pub files: ConfigFiles,
    /// Development: plain http, cookies without Secure. Never in production
    #[arg(long)]
    pub dev: bool,
    /// Refuse to start on what Kratos would only find at somebody's login
    #[arg(long)]
    pub strict: bool,
    /// Leave the tables as they are: not ready until `bia migrate sql` was run
    #[arg(long)]
    pub no_migrate: bool,
    /// Accepted for Kratos' sake: there is no telemetry to opt out of
    #[arg(long, env = "SQA_OPT_OUT", hide_env = true, num_args = 0..=1, default_missing_value = "true", value_name = "BOOL", hide = true)]
    pub sqa_opt_out: Option<String>,
    /// Accepted for Kratos' sake: no mail is sent
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", hide = true)]
    pub watch_courier: Option<String>,
}

pub(super) const DEV_HELP: &str = "\
Everything it writes is in ./.bia (delete the folder to start over); the network is not used.
It runs with ./.bia/kratos.yml and ./.bia/mappers/: edit them while it runs, what can be used counts within a \
second. Ports, database and log are read at the start only.
Exit codes: 0 stopped by SIGTERM or SIGINT; 1 not started.";

/// `bia dev`.
#[derive(Debug, ClapArgs)]
pub struct Dev {
    /// Public port; a free one when it is taken
    #[arg(long, default_value_t = 4433, value_name = "PORT")]
    pub public_port: u16,
    /// Admin port; a free one when it is taken
    #[arg(long, default_value_t = 4434, value_name = "PORT")]
    pub admin_port: u16,
    /// Port of the stand-in for Entra; a free one when it is taken
    #[arg(long, default_value_t = 4500, value_name = "PORT")]
    pub entra_port: u16,
    /// Folder for everything it writes
    #[arg(long, default_value = ".bia", value_name = "FOLDER")]
    pub folder: PathBuf,
}
