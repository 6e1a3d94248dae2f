//! `bia config`.

use super::ConfigFiles;
use clap::{Args as ClapArgs, Subcommand, ValueEnum};

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
