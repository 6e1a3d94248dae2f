//! `bia import kratos` and `bia export`.

use super::ConfigFiles;
use bia_moving::Header;
use clap::{Args as ClapArgs, ValueEnum};
use std::path::PathBuf;

pub(super) const IMPORT_HELP: &str = "\
Examples:
  bia import kratos --admin-url http://127.0.0.1:4434 -c kratos.yml --dry-run
  bia import kratos --admin-url http://127.0.0.1:4434 -c kratos.yml
  bia import kratos --admin-url https://id.example.com/admin --header-file token.txt -c kratos.yml

Carried: id, traits, links to providers, addresses and whether they are verified, metadata, state, \
external id, organisation, times. Left behind: passwords and other methods, sessions, upstream tokens.
Run it again as often as you like: whoever changed there since is updated, whoever changed here is \
left alone. A run that was cut off goes on where it was. Another Bia is a Kratos, too.
Exit codes: 0 everybody is here; 1 somebody is not, or it stopped, with the reason on standard error.";

pub(super) const EXPORT_HELP: &str = "\
Examples:
  bia export -c kratos.yml -o people.json                     For `kratos import identities people.json`
  bia export -c kratos.yml --format batches -o people.jsonl   Each line a body of PATCH /admin/identities
  bia export -c kratos.yml --to-admin-url http://127.0.0.1:4434 --id-map ids.jsonl

Kratos gives everybody a new id. --id-map records old and new; --keep-ids keeps the old one as external id.
Subjects of `subject_source: tid_oid` become object ids (`oid`), and aliases of providers their ids, \
unless --links-as-stored says otherwise.
Exit codes: 0 everybody was written or sent; 1 somebody was not, or it stopped.";

/// How the admin port on the other side is treated.
#[derive(Clone, Debug, ClapArgs)]
pub struct Manners {
    /// Send this header with every call; others on this machine can read it, so better use --header-file
    #[arg(long, value_name = "NAME: VALUE")]
    pub header: Vec<Header>,
    /// Send the headers in this file, one `Name: value` per line
    #[arg(long, value_name = "FILE")]
    pub header_file: Option<PathBuf>,
    /// Seconds that one call may take
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub timeout: u64,
    /// How often a call is tried that fails with 429, 5xx or no answer; `Retry-After` is followed
    #[arg(long, value_name = "COUNT", default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub attempts: u32,
    /// Calls per second at most; as fast as it answers when left out
    #[arg(long, value_name = "NUMBER", value_parser = rate)]
    pub rate: Option<f64>,
}

/// `bia import kratos`.
#[derive(Debug, ClapArgs)]
pub struct ImportKratos {
    /// Address of its admin port, for example http://127.0.0.1:4434
    #[arg(long, env = "KRATOS_ADMIN_URL", value_name = "URL")]
    pub admin_url: String,
    /// The configuration, whose database people are copied into.
    #[command(flatten)]
    pub files: ConfigFiles,
    /// Look at everybody and say what would happen; keep nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Let verified addresses count as proven for `account_linking_mode: automatic`; only if nothing but a mail
    /// verified addresses there
    #[arg(long)]
    pub trust_verified_addresses: bool,
    /// People per page
    #[arg(long, value_name = "COUNT", default_value_t = 250, value_parser = clap::value_parser!(u32).range(1..=500))]
    pub page_size: u32,
    /// Where it notes how far it is
    #[arg(long, value_name = "FILE", default_value = "bia-import.cursor")]
    pub cursor: PathBuf,
    /// Begin anew, whatever the cursor says
    #[arg(long)]
    pub restart: bool,
    /// How the other side is treated.
    #[command(flatten)]
    pub manners: Manners,
    /// Print the report as JSON
    #[arg(long)]
    pub json: bool,
}

/// `bia export`.
#[derive(Debug, ClapArgs)]
pub struct Export {
    /// The configuration, from whose database people are read.
    #[command(flatten)]
    pub files: ConfigFiles,
    /// How to write them
    #[arg(long, value_enum, default_value_t = ExportFormat::Array, conflicts_with = "to_admin_url")]
    pub format: ExportFormat,
    /// Write into this file, readable by you alone; to standard output when left out
    #[arg(short, long, value_name = "FILE", conflicts_with = "to_admin_url")]
    pub output: Option<PathBuf>,
    /// Overwrite files that exist
    #[arg(long)]
    pub force: bool,
    /// Send them to this admin port instead of writing them
    #[arg(long, value_name = "URL")]
    pub to_admin_url: Option<String>,
    /// People per call
    #[arg(long, value_name = "COUNT", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=1000), requires = "to_admin_url")]
    pub batch_size: u32,
    /// Add `{"old": id, "new": id}` lines to this file
    #[arg(long, value_name = "FILE", requires = "to_admin_url")]
    pub id_map: Option<PathBuf>,
    /// Where it notes how far it is
    #[arg(long, value_name = "FILE", default_value = "bia-export.cursor", requires = "to_admin_url")]
    pub cursor: PathBuf,
    /// Begin anew, whatever the cursor says
    #[arg(long, requires = "to_admin_url")]
    pub restart: bool,
    /// Put today's id into `external_id` where there is none
    #[arg(long)]
    pub keep_ids: bool,
    /// Leave subjects and provider ids as they are, for another Bia
    #[arg(long)]
    pub links_as_stored: bool,
    /// How the other side is treated.
    #[command(flatten)]
    pub manners: Manners,
}

/// Forms of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// One JSON array
    Array,
    /// One JSON object per line
    Lines,
    /// One body of `PATCH /admin/identities` per line
    Batches,
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if rate > 0.0 && rate.is_finite() => Ok(rate),
        _ => Err("a number above 0, such as 5 or 0.5".to_owned()),
    }
}
