//! `bia migrate` and `bia cleanup`.

use super::ConfigFiles;
use clap::{Args as ClapArgs, Subcommand};

/// `bia migrate`.
#[derive(Debug, Subcommand)]
pub enum Migrate {
    /// Create and upgrade the tables
    #[command(args_conflicts_with_subcommands = true, after_help = MIGRATE_HELP)]
    Sql(MigrateSql),
    /// Undo a subject migration (`microsoft.subject_migration`): give links their old subjects again
    #[command(after_help = SUBJECTS_HELP)]
    Subjects(MigrateSubjects),
}

const SUBJECTS_HELP: &str = "\
Examples:
  bia migrate subjects -c kratos.yml --provider microsoft               Say what a rollback would do
  bia migrate subjects -c kratos.yml --provider microsoft --rollback    Do it

First set subject_source back and remove subject_migration, and restart: otherwise the next sign-in rewrites the \
link again. Every restored link is an audit event: in the file of bia.audit.file when -c names a configuration that \
has one, else on standard error. A second call goes on where the first ended.
Exit codes: 0 done; 1 not done, or some links are left as they are because they changed since.";

/// `bia migrate subjects`.
#[derive(Debug, ClapArgs)]
pub struct MigrateSubjects {
    /// Whose links: the provider's id
    #[arg(long, value_name = "ID")]
    pub provider: String,
    /// Give the links their old subjects again
    #[arg(long)]
    pub rollback: bool,
    /// With --rollback: say what it would do, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// The database.
    #[command(flatten)]
    pub target: MigrateTarget,
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
