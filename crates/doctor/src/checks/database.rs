//! Whether the database can be reached, is ours, is up to date and whole, and fits the configuration.

use crate::finding::{Area, Finding};
use crate::links;
use bia_config::{Config, Dsn};
use bia_model::Timestamp;
use bia_store::{FaultKind, Store, StoreError};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// So long after its time every cleanup should have come by.
const BACKLOG_AGE: Duration = Duration::from_secs(24 * 60 * 60);
/// Fewer rows are what a machine leaves behind that was off for a while.
const BACKLOG_ROWS: u64 = 1000;

/// The database as the caller found it; this crate opens none.
pub enum Database {
    /// A SQLite file that does not exist yet.
    Missing(PathBuf),
    /// Open; nothing was migrated.
    Open(Store),
    /// It could not be opened.
    Failed(StoreError),
}

pub(crate) async fn check(config: &Config, database: &Database, thoroughly: bool, now: Timestamp) -> Vec<Finding> {
    let problem = |code, what: String, why: &str, fix: &str| {
        Finding::problem(Area::Database, code, what).key("dsn").why(why).fix(fix)
    };
    let store = match database {
        Database::Missing(path) => return vec![missing(path)],
        Database::Failed(error) => {
            let fix = match error {
                StoreError::Foreign { .. } => {
                    "Give Bia a database of its own; `bia import kratos` copies people from a running Kratos."
                }
                StoreError::Unavailable { .. } => "Is the server up, and do host, user and password fit?",
                _ => "See the reason above.",
            };
            return vec![problem("database", error.to_string(), "Bia does not start.", fix)];
        }
        Database::Open(store) => store,
    };
    let mut findings = Vec::new();
    if matches!(config.dsn, Dsn::Memory) {
        findings.push(
            Finding::warning(Area::Database, "memory", "the database is in memory")
                .key("dsn")
                .why("Identities and sessions are gone when the process ends.")
                .fix("Use sqlite:///var/lib/bia/bia.sqlite or postgres://…"),
        );
    }
    findings.extend(readable_by_others(config));
    match store.migration_status().await {
        Err(error) => {
            findings.push(problem("database", error.to_string(), "Bia can't serve.", "See the reason above."))
        }
        Ok(status) => {
            let pending = status.iter().filter(|migration| migration.applied_at.is_none()).count();
            if pending == 0 {
                findings.push(Finding::good(
                    Area::Database,
                    "migrated",
                    format!("{} answers and is up to date", store.describe()),
                ));
            } else {
                let what = format!("{pending} migration(s) are pending at {}", store.describe());
                findings.push(
                    Finding::note(Area::Database, "migrations", what)
                        .key("dsn")
                        .why("`serve` carries them out at start, unless it runs with --no-migrate.")
                        .fix("`bia migrate sql` does it now."),
                );
                return findings;
            }
        }
    }
    match links::cut_off(store, config).await {
        Ok(cut_off) => findings.extend(cut_off),
        Err(error) => {
            findings.push(problem("database", error.to_string(), "Links can't be looked at.", "See the reason above."))
        }
    }
    findings.extend(backlog(store, now - config.database.cleanup.older_than - BACKLOG_AGE).await);
    if thoroughly {
        findings.extend(integrity(store).await);
    }
    findings
}

fn missing(path: &Path) -> Finding {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if folder.is_dir() {
        let what = format!("{} does not exist yet and is made at the first start", path.display());
        return Finding::note(Area::Database, "database_new", what).key("dsn");
    }
    Finding::problem(Area::Database, "database_folder", format!("there is no folder {}", folder.display()))
        .key("dsn")
        .why("The database file can't be made, and Bia does not start.")
        .fix("Make the folder, owned by the user that runs Bia.")
}

/// Bia makes the file for its owner alone; a copy or a restored backup may have become everybody's.
fn readable_by_others(config: &Config) -> Option<Finding> {
    let Dsn::Sqlite { path, .. } = &config.dsn else { return None };
    let mode = |path: &Path| std::fs::metadata(path).ok().map(|meta| meta.permissions().mode());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // A folder that others can't enter protects everything in it.
    let open = mode(path)? & 0o044 != 0 && mode(folder)? & 0o011 != 0;
    open.then(|| {
        Finding::warning(
            Area::Database,
            "database_readable",
            format!("other users of this machine can read {}", path.display()),
        )
        .key("dsn")
        .why("It holds everybody's traits. Tokens in it are hashed or sealed, names and addresses are not.")
        .fix(format!(
            "`chmod 600 {0} {0}-wal {0}-shm`, or a folder that only the service's user may enter.",
            path.display()
        ))
    })
}

async fn backlog(store: &Store, before: Timestamp) -> Option<Finding> {
    let rows = store.count_expired(before).await.ok().filter(|rows| *rows > BACKLOG_ROWS)?;
    Some(
        Finding::warning(
            Area::Database,
            "expired_rows",
            format!("{rows} rows or more expired over a day ago and are still there"),
        )
        .key("database.cleanup")
        .why("A running Bia removes them every hour. None ran, or it could not; the database grows.")
        .fix("`bia cleanup sql` removes them now; the log of a running server says why it could not."),
    )
}

async fn integrity(store: &Store) -> Vec<Finding> {
    let damaged = |what: String, why: &str, fix: &str| {
        Finding::problem(Area::Database, "integrity", what).key("dsn").why(why).fix(fix)
    };
    let faults = match store.check_integrity().await {
        Ok(faults) => faults,
        Err(error) => {
            return vec![damaged(error.to_string(), "The database can't be read as a whole.", "See the reason above.")];
        }
    };
    if faults.is_empty() {
        return vec![Finding::good(
            Area::Database,
            "integrity",
            "the database finds no fault in itself, and every document agrees with its rows",
        )];
    }
    let told = faults.into_iter().map(|fault| {
        let (why, fix) = match fault.kind {
            FaultKind::Storage => (
                "Rows can be lost or wrong.",
                "Stop Bia, copy the database aside, and restore the last backup that passes this check.",
            ),
            FaultKind::Index => (
                "Look-ups read whole tables, or two people can have one identifier.",
                "PostgreSQL: REINDEX INDEX CONCURRENTLY, or ALTER TABLE … VALIDATE CONSTRAINT. If it is missing, restore it from the migrations of this version.",
            ),
            FaultKind::Orphan => (
                "Nobody can use them; somebody changed the tables past Bia.",
                "Restore the identity from a backup, or delete these rows.",
            ),
            FaultKind::Document => (
                "This person can't sign in, and lists that hold the row fail.",
                "Restore the row from a backup, or delete it.",
            ),
            FaultKind::Mismatch => (
                "This person is not found by one of their links or addresses, or keeps one that is no longer theirs.",
                "Read the identity by `bia get identity <id>` and save it again by PUT /admin/identities/<id>, or restore a backup.",
            ),
        };
        damaged(fault.what, why, fix)
    });
    told.collect()
}
