//! Every command, flag and help text.

mod mapper;

pub use mapper::{
    FormatCommand, FormatJsonnet, JsonnetCommand, JsonnetFiles, LintCommand, LintJsonnet, MapperCommand, MapperRun,
    MapperTest, ProviderSettings, ResultFormat,
};

mod diagnosis;

pub use diagnosis::{Doctor, SetupCommand, SetupFormat, SetupMicrosoft};

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use std::net::SocketAddr;
use std::path::PathBuf;

const AFTER_HELP: &str = "\
Examples:
  bia dev                              Try it: offline, nothing to set up
  bia serve -c kratos.yml              Serve a configuration
  bia config check -c kratos.yml       Say what is wrong with it, start nothing
  bia mapper run m.jsonnet --persona guest   See what a mapper makes of a guest
  bia mapper test mappers              Run the cases beside each mapper

Exit codes: 0 done; 1 failed or refused, with the reason on standard error. `bia mapper`, lint and
format tell 1, something was found, from 2, they could not look.
Every key of kratos.yml is also an environment variable: DSN, SERVE_PUBLIC_BASE_URL,
SELFSERVICE_METHODS_OIDC_CONFIG_PROVIDERS (JSON), … They win over files.";

/// Social sign-in with the API of Ory Kratos, Microsoft Entra ID first.
#[derive(Debug, Parser)]
#[command(name = "bia", version, after_help = AFTER_HELP, max_term_width = 110, propagate_version = false)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the public and the admin port
    #[command(after_help = SERVE_HELP)]
    Serve(Serve),
    /// Try it out: a stand-in for Entra, SQLite in ./.bia, built-in pages, all on 127.0.0.1
    #[command(after_help = DEV_HELP)]
    Dev(Dev),
    /// Bring a database to this version
    #[command(subcommand)]
    Migrate(Migrate),
    /// Remove what has expired
    #[command(subcommand)]
    Cleanup(Cleanup),
    /// Check a configuration, or print its JSON Schema
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Examine configuration, credentials, providers and database; say what to change
    #[command(after_help = diagnosis::DOCTOR_HELP)]
    Doctor(Doctor),
    /// Print what a provider has to be told about this configuration
    #[command(subcommand)]
    Setup(SetupCommand),
    /// Run, test, check, lint and format Jsonnet mappers
    #[command(subcommand)]
    Mapper(MapperCommand),
    /// Look for mistakes in Jsonnet files
    #[command(subcommand)]
    Lint(LintCommand),
    /// Lay out Jsonnet files
    #[command(subcommand)]
    Format(FormatCommand),
    /// The same as `lint jsonnet` and `format jsonnet`
    #[command(subcommand)]
    Jsonnet(JsonnetCommand),
    /// List identities of a running server
    #[command(subcommand, visible_alias = "ls")]
    List(ListCommand),
    /// Show identities of a running server
    #[command(subcommand)]
    Get(GetCommand),
    /// Create identities in a running server
    #[command(subcommand)]
    Import(ImportCommand),
    /// Delete identities of a running server
    #[command(subcommand)]
    Delete(DeleteCommand),
    /// Check identity files against the schemas of a running server
    #[command(subcommand)]
    Validate(ValidateCommand),
    /// Ask a running server how it is
    #[command(subcommand)]
    Remote(RemoteCommand),
    /// Print the version
    Version {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print completions for a shell, to be sourced
    Completions {
        /// Which shell
        shell: Shell,
    },
}

const SERVE_HELP: &str = "\
Examples:
  bia serve -c kratos.yml
  bia serve all -c base.yml -c production.yml
  DSN=postgres://… bia serve -c kratos.yml --strict

The database is created and migrated at start, after a look at whose it is: one that belongs to
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

const DEV_HELP: &str = "\
Everything it writes is in ./.bia (delete the folder to start over); the network is not used.
The configuration and mapper it runs with are ./.bia/kratos.yml and ./.bia/mappers/: edit them and start again.
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

/// `bia migrate`.
#[derive(Debug, Subcommand)]
pub enum Migrate {
    /// Create and upgrade the tables
    #[command(args_conflicts_with_subcommands = true, after_help = MIGRATE_HELP)]
    Sql(MigrateSql),
}

const MIGRATE_HELP: &str = "\
Examples:
  bia migrate sql sqlite://bia.sqlite --yes
  DSN=postgres://… bia migrate sql -e --yes
  bia migrate sql status -c kratos.yml

Exit codes: 0 the database is up to date; 1 it is not, or belongs to somebody else.";

/// `bia migrate sql`.
#[derive(Debug, ClapArgs)]
pub struct MigrateSql {
    /// What to do; up when left out.
    #[command(subcommand)]
    pub action: Option<MigrateAction>,
    /// The database.
    #[command(flatten)]
    pub target: MigrateTarget,
}

/// Which database, and whether to ask.
#[derive(Debug, Default, ClapArgs)]
pub struct MigrateTarget {
    /// The database; or use -e or -c
    #[arg(value_name = "DATABASE_URL")]
    pub url: Option<String>,
    /// Take it from the environment variable DSN
    #[arg(short = 'e', long)]
    pub read_from_env: bool,
    /// Don't ask
    #[arg(short = 'y', long)]
    pub yes: bool,
    /// Or from the configuration.
    #[command(flatten)]
    pub files: ConfigFiles,
}

/// `bia migrate sql …`.
#[derive(Debug, Subcommand)]
pub enum MigrateAction {
    /// Create and upgrade the tables
    Up(MigrateTarget),
    /// Refused: migrations only go forward
    Down {
        /// The database.
        #[command(flatten)]
        target: MigrateTarget,
        /// As in Kratos; nothing is undone
        #[arg(long, hide = true)]
        steps: Option<i64>,
    },
    /// List the migrations and whether they were applied
    Status {
        /// The database.
        #[command(flatten)]
        target: MigrateTarget,
        /// Wait until nothing is pending
        #[arg(long)]
        block: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// `bia cleanup`.
#[derive(Debug, Subcommand)]
pub enum Cleanup {
    /// Remove expired sessions, flows, exchange codes and errors from the database
    #[command(
        after_help = "Exit codes: 0 done; 1 failed. Run it from cron or a systemd timer; a running server is not disturbed."
    )]
    Sql(CleanupSql),
}

/// `bia cleanup sql`.
#[derive(Debug, ClapArgs)]
pub struct CleanupSql {
    /// The database; or use the environment variable DSN, or -c
    #[arg(value_name = "DATABASE_URL")]
    pub url: Option<String>,
    /// Take it from the environment variable DSN
    #[arg(short = 'e', long, default_value_t = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", action = clap::ArgAction::Set, value_name = "BOOL")]
    pub read_from_env: bool,
    /// The configuration.
    #[command(flatten)]
    pub files: ConfigFiles,
    /// Keep what expired within this time, for example 168h
    #[arg(long, value_name = "DURATION")]
    pub keep_last: Option<String>,
    /// Rows removed at a time; `database.cleanup.batch_size` when left out
    #[arg(short = 'b', long, value_name = "ROWS")]
    pub batch_size: Option<u32>,
    /// Accepted for Kratos' sake: batches are small enough not to need rests between tables
    #[arg(long = "database.cleanup.sleep.tables", value_name = "DURATION", hide = true)]
    pub sleep_tables: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `bia config`.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Load the configuration as `serve` would, and say everything about it
    #[command(
        after_help = "Exit codes: 0 nothing to say, or warnings only; 1 errors or advice; with --strict warnings, too."
    )]
    Check(ConfigCheck),
    /// Print the JSON Schema of the configuration, for editors
    Schema,
}

/// `bia config check`.
#[derive(Debug, ClapArgs)]
pub struct ConfigCheck {
    /// The configuration.
    #[command(flatten)]
    pub files: ConfigFiles,
    /// As `serve --dev`
    #[arg(long)]
    pub dev: bool,
    /// Say what this program would refuse or read in another way
    #[arg(long = "for", value_name = "PROGRAM")]
    pub for_program: Option<ForProgram>,
    /// Warnings count, too
    #[arg(long)]
    pub strict: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// A program that reads the same files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ForProgram {
    /// Ory Kratos.
    Kratos,
}

/// Which server, and how to print.
#[derive(Clone, Debug, ClapArgs)]
pub struct Client {
    /// Address of the admin port, for example http://127.0.0.1:4434
    #[arg(short = 'e', long, env = "KRATOS_ADMIN_URL", value_name = "URL")]
    pub endpoint: Option<String>,
    /// table, json, json-pretty, yaml or jsonpath=<path>
    #[arg(long, default_value = "table", value_name = "FORMAT")]
    pub format: String,
    /// The same as --format json-pretty
    #[arg(long)]
    pub json: bool,
    /// Identifiers only
    #[arg(short, long)]
    pub quiet: bool,
}

/// `bia list`.
#[derive(Debug, Subcommand)]
pub enum ListCommand {
    /// One page of identities
    Identities {
        /// Identities per page
        page_size: Option<u32>,
        /// The token after the previous page
        page_token: Option<String>,
        /// Accepted for Kratos' sake: reads are always consistent
        #[arg(long, hide = true)]
        consistency: Option<String>,
        /// The server.
        #[command(flatten)]
        client: Client,
    },
}

/// `bia get`.
#[derive(Debug, Subcommand)]
pub enum GetCommand {
    /// Identities by id
    #[command(alias = "identities")]
    Identity {
        /// Ids
        #[arg(required = true)]
        ids: Vec<String>,
        /// Show these credentials as well, upstream tokens included: oidc
        #[arg(short = 'i', long, value_name = "TYPE")]
        include_credentials: Vec<String>,
        /// The server.
        #[command(flatten)]
        client: Client,
    },
}

/// `bia import`.
#[derive(Debug, Subcommand)]
pub enum ImportCommand {
    /// Create identities from JSON files, or from standard input
    #[command(alias = "identity", after_help = "A file holds one body of `POST /admin/identities` or a list of them.")]
    Identities {
        /// JSON files
        files: Vec<PathBuf>,
        /// The server.
        #[command(flatten)]
        client: Client,
    },
}

/// `bia delete`.
#[derive(Debug, Subcommand)]
pub enum DeleteCommand {
    /// Identities by id, with their sessions
    #[command(alias = "identities")]
    Identity {
        /// Ids
        #[arg(required = true)]
        ids: Vec<String>,
        /// The server.
        #[command(flatten)]
        client: Client,
    },
}

/// `bia validate`.
#[derive(Debug, Subcommand)]
pub enum ValidateCommand {
    /// Check JSON files, or standard input, and create nothing
    #[command(alias = "identities")]
    Identity {
        /// JSON files
        files: Vec<PathBuf>,
        /// The server.
        #[command(flatten)]
        client: Client,
    },
}

/// `bia remote`.
#[derive(Debug, Subcommand)]
pub enum RemoteCommand {
    /// Whether it is alive and ready
    Status {
        /// Wait until it is
        #[arg(short, long)]
        block: bool,
        /// The server.
        #[command(flatten)]
        client: Client,
    },
    /// Which version it runs
    Version {
        /// The server.
        #[command(flatten)]
        client: Client,
    },
}

/// A loopback address with this port.
pub(crate) fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn definitions_are_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn kratos_spellings_of_serve_are_understood() {
        let parse =
            |line: &str| Args::try_parse_from(line.split(' ')).unwrap_or_else(|error| panic!("{line}: {error}"));
        for line in [
            "bia serve -c a.yml",
            "bia serve all --config a.yml,b.yml --dev --sqa-opt-out --watch-courier",
            "bia serve --watch-courier=false -c a.yml",
            "bia migrate sql -e --yes",
            "bia migrate sql up sqlite://x --yes",
            "bia migrate sql sqlite://x -y -c kratos.yml",
            "bia migrate sql status -e",
            "bia cleanup sql -e --keep-last 168h -b 50 --database.cleanup.sleep.tables 1s",
            "bia ls identities 100 token --endpoint http://x --format json-pretty",
            "bia get identity 1 2 -i oidc -q",
            "bia mapper run m.jsonnet --persona guest",
            "bia mapper run m.jsonnet claims.json --identity i.json --schema s.json --json",
            "bia mapper run m.jsonnet --raw",
            "bia mapper test mappers --update --personas --watch",
            "bia mapper test mappers --format tap --junit out.xml",
            "bia mapper fmt -w m.jsonnet",
            "bia mapper format --check m.jsonnet",
            "bia jsonnet lint a.jsonnet",
            "bia lint jsonnet a.jsonnet",
            "bia lint lint a.jsonnet",
            "bia format jsonnet -w a.jsonnet",
            "bia jsonnet format --write a.jsonnet",
        ] {
            parse(line);
        }
        for line in [
            "bia mapper run m.jsonnet",
            "bia mapper run m.jsonnet --persona a --claims b",
            "bia mapper run m.jsonnet --capture c --identity i",
            "bia mapper fmt -w --check a.jsonnet",
        ] {
            assert!(Args::try_parse_from(line.split(' ')).is_err(), "{line}");
        }
        let Command::Serve(serve) = parse("bia serve all -c a.yml,b.yml -c c.yml").command else { panic!("serve") };
        assert_eq!(serve.files.config.len(), 3);
    }
}
