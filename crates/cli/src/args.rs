//! Every command, flag and help text: the tree is here, what a command takes is in the file of its kind.

mod config;
mod database;
mod diagnosis;
mod identities;
mod init;
mod mapper;
mod moving;
mod serve;

pub use config::{ConfigCheck, ConfigCommand, ForProgram};
pub use database::{Cleanup, CleanupSql, Migrate, MigrateAction, MigrateSql, MigrateSubjects, MigrateTarget};
pub use diagnosis::{Doctor, SetupCommand, SetupFormat, SetupMicrosoft};
pub use identities::{Client, DeleteCommand, GetCommand, ImportCommand, ListCommand, RemoteCommand, ValidateCommand};
pub use init::{Init, Proxy};
pub use mapper::{
    FormatCommand, FormatJsonnet, JsonnetCommand, JsonnetFiles, LintCommand, LintJsonnet, MapperCommand, MapperRun,
    MapperTest, MapperTry, ProviderSettings, ResultFormat,
};
pub use moving::{Export, ExportFormat, ImportKratos, Manners};
pub use serve::{ConfigFiles, Dev, Serve};

use clap::{Parser, Subcommand};
use clap_complete::Shell;
use std::net::SocketAddr;
use std::path::PathBuf;

const AFTER_HELP: &str = "\
Examples:
  bia dev                              Try it: offline, nothing to set up
  bia init                             Write a configuration for your tenant
  bia serve -c kratos.yml              Serve a configuration
  bia config check -c kratos.yml       Say what is wrong with it, start nothing
  bia mapper run m.jsonnet --persona guest   See what a mapper makes of a guest
  bia mapper test mappers              Run the cases beside each mapper

Exit codes: 0 done; 1 failed or refused, with the reason on standard error. `bia mapper`, lint and \
format tell 1, something was found, from 2, they could not look.
Every key of kratos.yml is also an environment variable: DSN, SERVE_PUBLIC_BASE_URL, \
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
    #[command(after_help = serve::SERVE_HELP)]
    Serve(Serve),
    /// Try it out: a stand-in for Entra, SQLite in ./.bia, built-in pages, all on 127.0.0.1
    #[command(after_help = serve::DEV_HELP)]
    Dev(Dev),
    /// Write a configuration for your tenant: asks five questions and for the client secret
    #[command(after_help = init::INIT_HELP)]
    Init(Init),
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
    /// Create identities in a running server, or copy everybody from a Kratos
    #[command(subcommand)]
    Import(ImportCommand),
    /// Write everybody as Kratos imports them, or send them to a running Kratos
    #[command(after_help = moving::EXPORT_HELP)]
    Export(Export),
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
    /// Write manual pages, for packages
    Man {
        /// The folder; made when it is missing
        folder: PathBuf,
    },
    /// Print completions for a shell, to be sourced
    Completions {
        /// Which shell
        shell: Shell,
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
            "bia ls identities --page-size 100 --page-token token --endpoint http://x --format json-pretty",
            "bia list identities --consistency strong",
            "bia get identity --external-id customer-1",
            "bia import kratos --admin-url http://k:4434 --dry-run",
            "bia export -c kratos.yml -o people.json --format batches",
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
