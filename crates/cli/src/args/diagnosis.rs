//! `bia doctor` and `bia setup`.

use super::ConfigFiles;
use clap::{Args as ClapArgs, Subcommand, ValueEnum};

pub(super) const DOCTOR_HELP: &str = "\
Examples:
  bia doctor -c kratos.yml             Before the first start, and on the first bad day
  bia doctor -c kratos.yml --offline   Ask nobody on the network
  bia doctor -c kratos.yml --db        Let the database check itself, too (reads all of it)
  bia doctor -c kratos.yml --json      For programs and monitoring

It changes nothing and sends no secret anywhere. While Bia serves, it begins one login flow at the public \
address, which expires by itself (not with --offline). docs/doctor.md lists every check and the JSON.
Exit codes: 0 nothing stands against serving; 1 problems (with --strict warnings, too); 2 it could not look: \
wrong arguments, or a configuration file that can't be opened.";

/// `bia doctor`.
#[derive(Debug, ClapArgs)]
pub struct Doctor {
    /// The configuration.
    #[command(flatten)]
    pub files: ConfigFiles,
    /// As `serve --dev`
    #[arg(long)]
    pub dev: bool,
    /// Ask nobody on the network
    #[arg(long)]
    pub offline: bool,
    /// Let the database check itself, which reads all of it
    #[arg(long)]
    pub db: bool,
    /// Warnings count, too
    #[arg(long)]
    pub strict: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

pub(super) const MICROSOFT_HELP: &str = "\
Examples:
  bia setup microsoft -c kratos.yml                      Print a script for the Azure CLI
  bia setup microsoft -c kratos.yml --new Shop           The same, for a registration to be made
  bia setup microsoft -c kratos.yml --format manifest    The patch alone, for the portal or for az rest
  bia setup microsoft -c kratos.yml --format terraform   Resources for the provider hashicorp/azuread
  bia setup microsoft -c kratos.yml --format consent --tenant fabrikam.com
                                                         The link for a customer's administrator

Nothing is changed and nobody is asked: run what it prints after reading it.
Exit codes: 0 printed; 1 there is no such provider, or the configuration can't be loaded.";

/// `bia setup`.
#[derive(Debug, Subcommand)]
pub enum SetupCommand {
    /// Print what the app registration in Microsoft Entra ID needs for exactly this configuration
    #[command(after_help = MICROSOFT_HELP)]
    Microsoft(SetupMicrosoft),
}

/// `bia setup microsoft`.
#[derive(Debug, ClapArgs)]
pub struct SetupMicrosoft {
    /// The configuration.
    #[command(flatten)]
    pub files: ConfigFiles,
    /// As `serve --dev`
    #[arg(long)]
    pub dev: bool,
    /// Only the registration of this provider
    #[arg(long, value_name = "ID")]
    pub provider: Option<String>,
    /// Make a registration of this name instead of changing the one with the configured client id
    #[arg(long, value_name = "NAME")]
    pub new: Option<String>,
    /// What to print
    #[arg(long, value_enum, default_value_t = SetupFormat::Script)]
    pub format: SetupFormat,
    /// The customer's tenant in the consent link, as id or domain
    #[arg(long, value_name = "TENANT")]
    pub tenant: Option<String>,
}

/// What `bia setup microsoft` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SetupFormat {
    /// A script for the Azure CLI.
    Script,
    /// The manifest patch as JSON.
    Manifest,
    /// Terraform for the provider hashicorp/azuread.
    Terraform,
    /// The link with which an administrator grants the permissions.
    Consent,
}
