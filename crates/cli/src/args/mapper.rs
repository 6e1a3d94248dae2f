//! Commands about Jsonnet files.

use super::identities::Client;
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

const RUN_HELP: &str = "\
Examples:
  bia mapper run microsoft.jsonnet --persona guest
  bia mapper run microsoft.jsonnet claims.json --schema identity.schema.json
  bia mapper run microsoft.jsonnet --persona member --identity alice.json
  bia mapper run microsoft.jsonnet --capture failed.json
  bia mapper run snippet.jsonnet --raw
  bia mapper run - claims.json <draft.jsonnet

Claims are the claims of a token as the provider sent them, or, with `raw_claims` in them, what \
std.extVar('claims') gives. `bia mapper personas` lists the shipped ones.
Without --identity, --schema and --capture standard output is the mapper's JSON alone.
Exit codes: 0 it ran, and the schema accepts the traits (a mapper that denies has run); \
1 it failed, or the schema refuses the traits; 2 a file or option can't be used: with --json also then one \
document, { ok: false, error: { kind: input, message } }.";

const TEST_HELP: &str = "\
Examples:
  bia mapper test mappers
  bia mapper test mappers/microsoft --watch
  bia mapper test mappers/microsoft.jsonnet --update --personas
  bia mapper test mappers --junit results.xml

A mapper `microsoft.jsonnet` has its cases in the folder `microsoft/` beside it:
  guest.claims.json          what the provider said; left out, the persona of that name
  guest.expected.json        what the mapper makes of it, or
  guest.expected-error.txt   a part of the error
  guest.identity.json        the identity before, if wanted
  guest.schema.json          the schema of this case; schema.json is that of all
Exit codes: 0 every case came out as expected, or was updated; 1 one did not; 2 there are no cases, \
or an option can't be used: with --json also then one document, with `error.kind` input.";

const LINT_HELP: &str = "\
Rules: unguarded-claim, null-output, unknown-trait, missing-trait, editable-right, unproven-address, \
shadowed-local, unused-local, and with --personas fails-for-persona. A comment `// lint: allow <rule>` \
in the line or above it waives a finding.
Exit codes: 0 nothing found; 1 something found; 2 a file can't be read: the others are looked at, and with \
--json it is among the results with `error.kind` input.";

const FORMAT_HELP: &str = "\
Exit codes: 0 done, with --check: nothing to change; 1 a file does not parse, with --check: or is laid out \
otherwise; 2 a file can't be read or written: with --json it has `error.kind` input.";

const TRY_HELP: &str = "\
Example:
  bia mapper try microsoft --endpoint http://127.0.0.1:4434

Asks a running server (its admin port) for a link. Whoever opens it signs in at the provider once and comes \
back to a list of checks: claims, mapper output, traits, the schema's verdict, and what would change for \
somebody who exists. No identity and no session is made. The link and what it shows expire like a login flow.
Exit codes: 0 the link is printed; 1 the server refuses or can't be asked.";

/// `bia mapper`.
#[derive(Debug, Subcommand)]
pub enum MapperCommand {
    /// Show what a mapper makes of claims, what the schema says, and what would change
    #[command(after_help = RUN_HELP)]
    Run(MapperRun),
    /// Run the cases in the folder beside each mapper
    #[command(after_help = TEST_HELP)]
    Test(MapperTest),
    /// Say whether mappers parse
    #[command(after_help = "Exit codes: 0 they parse; 1 one does not; 2 a file can't be read.")]
    Check(JsonnetFiles),
    /// Look for mistakes that bite at somebody's sign-in
    #[command(after_help = LINT_HELP)]
    Lint(LintJsonnet),
    /// Lay mappers out
    #[command(alias = "format", after_help = FORMAT_HELP)]
    Fmt(FormatJsonnet),
    /// Make a link for a real sign-in that shows what the mapper makes of it; nothing is written
    #[command(after_help = TRY_HELP)]
    Try(MapperTry),
    /// List the shipped shapes of Entra tokens
    Personas {
        /// Print them whole, as JSON
        #[arg(long)]
        json: bool,
    },
}

/// `bia mapper run`.
#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("given").args(["claims_file", "claims", "persona", "capture", "raw"]).multiple(true).required(true)))]
pub struct MapperRun {
    /// The mapper; `-` reads standard input
    pub mapper: PathBuf,
    /// JSON file with the claims; the same as --claims
    #[arg(value_name = "CLAIMS", conflicts_with_all = ["claims", "persona", "capture"])]
    pub claims_file: Option<PathBuf>,
    /// JSON file with the claims; `-` reads standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["persona", "capture"])]
    pub claims: Option<PathBuf>,
    /// The claims of a shipped persona, for example guest
    #[arg(long, value_name = "NAME", conflicts_with = "capture")]
    pub persona: Option<String>,
    /// Replay a failed sign-in that `bia.capture` recorded: the log's line; `-` reads standard input
    #[arg(long, value_name = "FILE", conflicts_with = "identity")]
    pub capture: Option<PathBuf>,
    /// JSON file with the identity before the sign-in: shows what would change
    #[arg(long, value_name = "FILE")]
    pub identity: Option<PathBuf>,
    /// Identity schema: shows its verdict on the traits
    #[arg(long, value_name = "FILE")]
    pub schema: Option<PathBuf>,
    /// Just what the text evaluates to, whatever its shape; claims are optional
    #[arg(long, conflicts_with_all = ["schema", "capture"])]
    pub raw: bool,
    /// Settings of the provider.
    #[command(flatten)]
    pub provider: ProviderSettings,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Settings that show in what a mapper is given.
#[derive(Debug, Default, Args)]
pub struct ProviderSettings {
    /// `subject_source` of the provider
    #[arg(long, value_name = "SOURCE", default_value = "userinfo", value_parser = ["userinfo", "me", "oid", "tid_oid"])]
    pub subject_source: String,
    /// `microsoft.profile` of the provider: Graph fields of personas, given as claims.graph
    #[arg(long, value_name = "FIELDS", value_delimiter = ',')]
    pub profile: Vec<String>,
    /// `bia.mapper.import_dir`: folder that mappers may import from
    #[arg(long, value_name = "FOLDER")]
    pub import_dir: Option<PathBuf>,
}

/// `bia mapper try`.
#[derive(Debug, Args)]
pub struct MapperTry {
    /// Id of the provider in the server's configuration
    #[arg(value_name = "PROVIDER")]
    pub provider: String,
    /// The server.
    #[command(flatten)]
    pub client: Client,
}

/// `bia mapper test`.
#[derive(Debug, Args)]
pub struct MapperTest {
    /// Mappers, folders of cases, folders of mappers, or patterns of them
    #[arg(required = true, value_name = "DIR")]
    pub paths: Vec<String>,
    /// Write what came out where it is not what was expected
    #[arg(long)]
    pub update: bool,
    /// The twelve personas are cases, too
    #[arg(long)]
    pub personas: bool,
    /// Identity schema of cases that have none
    #[arg(long, value_name = "FILE")]
    pub schema: Option<PathBuf>,
    /// Settings of the provider.
    #[command(flatten)]
    pub provider: ProviderSettings,
    /// How to print the results
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: ResultFormat,
    /// The same as --format json
    #[arg(long, conflicts_with = "format")]
    pub json: bool,
    /// Write JUnit XML into this file besides
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Run again whenever a file changes, until interrupted
    #[arg(short, long)]
    pub watch: bool,
}

impl MapperTest {
    /// Whether standard output is for programs.
    pub fn prints_json(&self) -> bool {
        self.json || self.format == ResultFormat::Json
    }
}

/// Forms of test results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ResultFormat {
    /// For people.
    Text,
    /// JSON.
    Json,
    /// JUnit XML.
    Junit,
    /// Test Anything Protocol.
    Tap,
}

/// Files or patterns.
#[derive(Debug, Args)]
pub struct JsonnetFiles {
    /// Files, or patterns such as 'mappers/**/*.jsonnet'; `-` reads standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `lint jsonnet`.
#[derive(Debug, Args)]
pub struct LintJsonnet {
    /// The files.
    #[command(flatten)]
    pub files: JsonnetFiles,
    /// Identity schema that the traits must fit
    #[arg(long, value_name = "FILE")]
    pub schema: Option<PathBuf>,
    /// Run the mappers on the twelve personas as well: for mappers of Microsoft
    #[arg(long)]
    pub personas: bool,
    /// Settings of the provider.
    #[command(flatten)]
    pub provider: ProviderSettings,
}

/// `format jsonnet`.
#[derive(Debug, Args)]
pub struct FormatJsonnet {
    /// The files.
    #[command(flatten)]
    pub files: JsonnetFiles,
    /// Write the files instead of printing
    #[arg(short = 'w', long)]
    pub write: bool,
    /// Change nothing; exit 1 when a file is laid out otherwise
    #[arg(long, conflicts_with = "write")]
    pub check: bool,
}

/// `bia lint`.
#[derive(Debug, Subcommand)]
pub enum LintCommand {
    /// Look for mistakes in Jsonnet files
    #[command(alias = "lint", after_help = LINT_HELP)]
    Jsonnet(LintJsonnet),
}

/// `bia format`.
#[derive(Debug, Subcommand)]
pub enum FormatCommand {
    /// Print Jsonnet files laid out, or write them with -w
    #[command(after_help = FORMAT_HELP)]
    Jsonnet(FormatJsonnet),
}

/// `bia jsonnet`.
#[derive(Debug, Subcommand)]
pub enum JsonnetCommand {
    /// Look for mistakes
    #[command(after_help = LINT_HELP)]
    Lint(LintJsonnet),
    /// Print laid out, or write with -w
    #[command(after_help = FORMAT_HELP)]
    Format(FormatJsonnet),
}
