//! Whether the database can be reached, is ours, is up to date and whole, and fits the configuration.

use crate::finding::{Area, Finding};
use crate::links;
use bia_config::{Config, Dsn};
use bia_store::{Store, StoreError};
use std::path::PathBuf;

/// The database as the caller found it; this crate opens none.
pub enum Database {
    /// A SQLite file that does not exist yet.
    Missing(PathBuf),
    /// Open; nothing was migrated.
    Open(Store),
    /// It could not be opened.
    Failed(StoreError),
}

pub(crate) async fn check(config: &Config, database: &Database, thoroughly: bool) -> Vec<Finding> {
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
    if thoroughly {
        findings.extend(integrity(store).await);
    }
    findings
}

fn missing(path: &std::path::Path) -> Finding {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(std::path::Path::new("."));
    if folder.is_dir() {
        let what = format!("{} does not exist yet and is made at the first start", path.display());
        return Finding::note(Area::Database, "database_new", what).key("dsn");
    }
    Finding::problem(Area::Database, "database_folder", format!("there is no folder {}", folder.display()))
        .key("dsn")
        .why("The database file can't be made, and Bia does not start.")
        .fix("Make the folder, owned by the user that runs Bia.")
}

async fn integrity(store: &Store) -> Vec<Finding> {
    let damaged = |what: String| {
        Finding::problem(Area::Database, "integrity", what)
            .key("dsn")
            .why("Rows can be lost or wrong.")
            .fix("Stop Bia, copy the database aside, and restore the last backup that passes this check.")
    };
    match store.check_integrity().await {
        Ok(faults) if faults.is_empty() => {
            vec![Finding::good(Area::Database, "integrity", "the database finds no fault in itself")]
        }
        Ok(faults) => faults.into_iter().map(damaged).collect(),
        Err(error) => vec![damaged(error.to_string())],
    }
}
