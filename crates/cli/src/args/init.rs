//! `bia init`.

use clap::{Args as ClapArgs, ValueEnum};
use std::path::PathBuf;

pub(super) const INIT_HELP: &str = "\
Examples:
  bia init                             Ask five questions and for the secret, write into this folder
  bia init id --tenant contoso.com --client-id 00001111-aaaa-2222-bbbb-3333cccc4444 --yes
  bia init --public-url https://id.example.com --proxy nginx

Written: kratos.yml, identity.schema.json, mappers/ with its cases, config.schema.json for editors, and a \
snippet for the proxy. Files with secrets are readable by you alone. Nothing is overwritten without \
--force, which keeps the secrets of a kratos.yml that is there.
Exit codes: 0 written; 1 nothing was written, with the reason on standard error.";

/// `bia init`.
#[derive(Clone, Debug, ClapArgs)]
pub struct Init {
    /// Where to; made when it is missing
    #[arg(value_name = "FOLDER", default_value = ".")]
    pub folder: PathBuf,
    /// Who may sign in: Directory (tenant) ID or a verified domain; organizations, consumers or common
    #[arg(long, value_name = "TENANT")]
    pub tenant: Option<String>,
    /// Application (client) ID of the app registration
    #[arg(long, value_name = "ID")]
    pub client_id: Option<String>,
    /// Read the client secret from standard input
    #[arg(long, conflicts_with = "client_secret_file")]
    pub client_secret_stdin: bool,
    /// The client secret is in this file, which stays where it is
    #[arg(long, value_name = "FILE")]
    pub client_secret_file: Option<PathBuf>,
    /// The address that browsers use, as seen from outside any proxy [default without a proxy: http://localhost:4433]
    #[arg(long, value_name = "URL")]
    pub public_url: Option<String>,
    /// `sqlite`, or postgres://user:password@host/database [default: sqlite]
    #[arg(long, value_name = "DATABASE")]
    pub database: Option<String>,
    /// Which proxy stands in front [default: none]
    #[arg(long, value_enum, value_name = "PROXY")]
    pub proxy: Option<Proxy>,
    /// Where the proxy finds the application that it guards
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:3000")]
    pub application: String,
    /// Another application that people may be sent back to after signing in; repeat it
    #[arg(long, value_name = "URL")]
    pub allow_return_to: Vec<String>,
    /// Sign in at this host instead of login.microsoftonline.com
    #[arg(long, value_name = "URL", hide = true)]
    pub authority_host: Option<String>,
    /// Don't ask: take the defaults for what is left out
    #[arg(short = 'y', long)]
    pub yes: bool,
    /// Overwrite files that exist
    #[arg(long)]
    pub force: bool,
}

/// Proxies that a snippet is written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Proxy {
    /// Nothing stands in front
    None,
    /// nginx, auth_request
    Nginx,
    /// Caddy, forward_auth
    Caddy,
    /// HAProxy
    Haproxy,
    /// Traefik, forwardAuth
    Traefik,
}

impl Proxy {
    /// As it is written on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Nginx => "nginx",
            Self::Caddy => "caddy",
            Self::Haproxy => "haproxy",
            Self::Traefik => "traefik",
        }
    }
}
