//! Commands that talk to the admin port of a running server.

use super::moving::{self, ImportKratos};
use clap::{Args as ClapArgs, Subcommand};
use std::path::PathBuf;

/// Which server, and how to print.
#[derive(Clone, Debug, ClapArgs)]
pub struct Client {
    /// Address of the admin port, for example http://127.0.0.1:4434
    #[arg(short = 'e', long, env = "KRATOS_ADMIN_URL", value_name = "URL")]
    pub endpoint: Option<String>,
    /// table, json, json-pretty, yaml, jsonpath=<path> or jsonpointer=<pointer>
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
        #[arg(long, value_name = "COUNT", default_value_t = 100)]
        page_size: u32,
        /// The token below the previous page
        #[arg(long, value_name = "TOKEN")]
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
        /// The ids are external ids
        #[arg(long)]
        external_id: bool,
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
    #[command(
        alias = "identity",
        after_help = "A file holds one body of `POST /admin/identities`, a list of them, or one per line."
    )]
    Identities {
        /// JSON files
        files: Vec<PathBuf>,
        /// The server.
        #[command(flatten)]
        client: Client,
    },
    /// Copy everybody from a running Kratos into the database of this configuration
    #[command(after_help = moving::IMPORT_HELP)]
    Kratos(ImportKratos),
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
