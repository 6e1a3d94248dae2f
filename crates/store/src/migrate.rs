//! Forward-only migrations, embedded in the binary and applied in one transaction under a lock.
//!
//! Each change is a pair of files of equal name in `migrations/sqlite` and `migrations/postgres`. A change
//! must leave the statements of the version before working, because old instances serve on while a new one
//! migrates: add, never rename or drop in the same release.

use crate::Store;
use crate::connection::{Connection, Dialect};
use crate::error::{DriverError, Failure, Result, StoreError};
use crate::owner;
use crate::query::Query;
use bia_model::Timestamp;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;
use time::OffsetDateTime;

struct Migration {
    version: i64,
    name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

macro_rules! migrations {
    ($($version:literal $name:literal),+ $(,)?) => {
        &[$(Migration {
            version: $version,
            name: $name,
            sqlite: include_str!(concat!("../migrations/sqlite/", $name, ".sql")),
            postgres: include_str!(concat!("../migrations/postgres/", $name, ".sql")),
        }),+]
    };
}

const MIGRATIONS: &[Migration] = migrations![1 "0001_initial"];

/// The schema version that this program brings a database to.
pub(crate) const LATEST_VERSION: i64 = MIGRATIONS[MIGRATIONS.len() - 1].version;

/// The tables and indexes that all migrations together leave behind.
pub(crate) fn names_made(dialect: Dialect) -> Vec<&'static str> {
    let mut names = Vec::new();
    for migration in MIGRATIONS {
        for line in migration.text(dialect).lines() {
            let mut words = line.split_whitespace().filter(|word| !matches!(*word, "UNIQUE" | "IF" | "NOT" | "EXISTS"));
            let made = match (words.next(), words.next()) {
                (Some("CREATE"), Some("TABLE" | "INDEX")) => true,
                (Some("DROP"), Some("TABLE" | "INDEX")) => false,
                _ => continue,
            };
            let Some(name) = words.next().map(|name| name.trim_end_matches(';')) else { continue };
            names.retain(|known| *known != name);
            if made {
                names.push(name);
            }
        }
    }
    names
}

/// Any number will do, as long as all instances use the same and nobody else in the database does.
const POSTGRES_LOCK: &str = "SELECT pg_advisory_xact_lock(4433443401)";

const BOOKKEEPING: &str = "CREATE TABLE IF NOT EXISTS bia_meta (key TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL); \
     CREATE TABLE IF NOT EXISTS bia_migrations (version BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL, \
     checksum TEXT NOT NULL, applied_at BIGINT NOT NULL)";

/// One known migration and when it was applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MigrationStatus {
    pub version: i64,
    pub name: &'static str,
    pub applied_at: Option<Timestamp>,
}

impl Migration {
    const fn text(&self, dialect: Dialect) -> &'static str {
        match dialect {
            Dialect::Sqlite => self.sqlite,
            Dialect::Postgres => self.postgres,
        }
    }

    fn checksum(&self, dialect: Dialect) -> String {
        let digest = Sha256::digest(self.text(dialect).as_bytes());
        digest.iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }
}

impl Store {
    /// Brings the database to this program's version; says which migrations were applied. Safe to call from
    /// several instances at once: one works, the others wait and find nothing left to do.
    pub async fn migrate(&self) -> Result<Vec<&'static str>> {
        // A connection of its own, without the statement timeout: large tables take their time.
        let mut connection = self.open_for_migration().await?;
        let outcome = migrate_locked(&mut connection, &self.describe()).await;
        if outcome.is_err() {
            let _ = connection.rollback().await;
        }
        connection.close().await;
        outcome
    }

    /// Every migration that this program knows, oldest first.
    pub async fn migration_status(&self) -> Result<Vec<MigrationStatus>> {
        let query = Query::new("migration_status", "SELECT version, applied_at FROM bia_migrations");
        let rows = match self.fetch_all(query).await {
            Err(StoreError::NotMigrated) => Vec::new(),
            other => other?,
        };
        let mut applied = std::collections::BTreeMap::new();
        for row in &rows {
            applied.insert(row.int(0)?, row.time(1)?);
        }
        Ok(MIGRATIONS
            .iter()
            .map(|migration| MigrationStatus {
                version: migration.version,
                name: migration.name,
                applied_at: applied.get(&migration.version).copied(),
            })
            .collect())
    }

    /// True when the database answers and is migrated; an error when it doesn't answer. A database that a
    /// newer instance has migrated since is ready, too.
    pub async fn is_ready(&self) -> Result<bool> {
        let query = Query::new("is_ready", "SELECT value FROM bia_meta WHERE key = 'version'");
        match self.fetch_optional(query).await {
            Ok(Some(row)) => Ok(row.text(0)?.parse().unwrap_or(0) >= LATEST_VERSION),
            Ok(None) | Err(StoreError::NotMigrated) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

async fn migrate_locked(connection: &mut Connection, database: &str) -> Result<Vec<&'static str>> {
    connection.begin().await.map_err(of)?;
    if connection.dialect() == Dialect::Postgres {
        connection.run_script(POSTGRES_LOCK).await.map_err(of)?;
    }
    // Again under the lock: somebody else may have moved in since the first look.
    owner::look(connection).await.map_err(|look| look.into_error(database))?;
    connection.run_script(BOOKKEEPING).await.map_err(of)?;
    let mut done = Vec::new();
    for migration in MIGRATIONS {
        if !is_applied(connection, migration).await? {
            apply(connection, migration).await?;
            done.push(migration.name);
        }
    }
    connection.commit().await.map_err(of)?;
    Ok(done)
}

async fn is_applied(connection: &mut Connection, migration: &Migration) -> Result<bool> {
    let query = Query::new("migrate", "SELECT checksum FROM bia_migrations WHERE version = $1").bind(migration.version);
    let Some(row) = connection.fetch_optional(&query).await.map_err(of)? else {
        return Ok(false);
    };
    if row.text(0)? == migration.checksum(connection.dialect()) {
        Ok(true)
    } else {
        Err(StoreError::ChangedMigration { name: migration.name.to_owned() })
    }
}

async fn apply(connection: &mut Connection, migration: &Migration) -> Result<()> {
    let dialect = connection.dialect();
    connection.run_script(migration.text(dialect)).await.map_err(of)?;
    let record = Query::new(
        "migrate",
        "INSERT INTO bia_migrations (version, name, checksum, applied_at) VALUES ($1, $2, $3, $4)",
    )
    .bind(migration.version)
    .bind(migration.name)
    .bind(migration.checksum(dialect))
    .bind(Timestamp::from(OffsetDateTime::now_utc()));
    connection.execute(&record).await.map_err(of)?;
    for (key, value) in [("owner", "bia".to_owned()), ("version", migration.version.to_string())] {
        let mark = Query::new(
            "migrate",
            "INSERT INTO bia_meta (key, value) VALUES ($1, $2) \
             ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        )
        .bind(key)
        .bind(value);
        connection.execute(&mark).await.map_err(of)?;
    }
    Ok(())
}

fn of(error: DriverError) -> StoreError {
    Failure::from(error).error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_databases_have_the_same_tables_and_indexes() {
        let names = names_made(Dialect::Sqlite);
        assert!(names.contains(&"identities") && names.contains(&"sessions_identity"), "{names:?}");
        assert_eq!(names, names_made(Dialect::Postgres));
    }

    #[test]
    fn migrations_are_numbered_without_gaps_and_named_after_their_number() {
        for (index, migration) in MIGRATIONS.iter().enumerate() {
            assert_eq!(migration.version, i64::try_from(index).unwrap() + 1);
            assert!(migration.name.starts_with(&format!("{:04}_", migration.version)));
        }
    }

    /// What takes away from an instance of the version before something that its statements name, or makes it fail
    /// on what it leaves out. Comments count, too: one can be worded otherwise.
    fn takes_away(sql: &str) -> Option<String> {
        let words = sql.to_ascii_lowercase();
        let words: Vec<&str> =
            words.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|w| !w.is_empty()).collect();
        let mut altered = None;
        for (index, word) in words.iter().enumerate() {
            let after = words.get(index + 1).copied().unwrap_or_default();
            match (*word, after) {
                ("drop" | "rename" | "truncate", _) => return Some(format!("{word} {after}")),
                ("set", "not" | "data") => return Some(format!("{word} {after}")),
                ("alter", "type") => return Some("alter type".to_owned()),
                // `ALTER [COLUMN] name TYPE …`; the name may be any word.
                ("alter", "column") => altered = Some(index + 2),
                ("alter", _) if after != "table" => altered = Some(index + 1),
                ("type", _) if altered.is_some_and(|name| name + 1 == index) => return Some("type".to_owned()),
                _ => {}
            }
        }
        None
    }

    #[test]
    fn what_takes_something_away_from_the_version_before_is_found() {
        for sql in [
            "DROP TABLE sessions",
            "alter table sessions drop column body",
            "ALTER TABLE sessions RENAME COLUMN body TO text",
            "ALTER TABLE sessions\n  Alter Column aal Type BIGINT",
            "ALTER TABLE sessions ALTER aal TYPE BIGINT",
            "ALTER TABLE sessions ALTER COLUMN aal SET DATA TYPE BIGINT",
            "ALTER TABLE sessions ALTER COLUMN aal SET\tNOT\nNULL",
            "ALTER TYPE mood ADD VALUE 'glad'",
            "CREATE TABLE a (id TEXT);DROP INDEX sessions_identity",
        ] {
            assert!(takes_away(sql).is_some(), "{sql}");
        }
        for sql in [
            "ALTER TABLE sessions ADD COLUMN later TEXT",
            "ALTER TABLE sessions ADD COLUMN type TEXT NOT NULL DEFAULT ''",
            "CREATE TABLE later (id TEXT NOT NULL PRIMARY KEY, type TEXT, dropped_at BIGINT)",
            "CREATE INDEX later_sessions ON sessions (later)",
            "UPDATE sessions SET later = 'x' WHERE later IS NULL",
        ] {
            assert_eq!(takes_away(sql), None, "{sql}");
        }
    }

    #[test]
    fn no_migration_takes_something_away_from_the_version_before() {
        for migration in MIGRATIONS.iter().filter(|migration| migration.version > 1) {
            for dialect in [Dialect::Sqlite, Dialect::Postgres] {
                assert_eq!(takes_away(migration.text(dialect)), None, "{} for {dialect:?}", migration.name);
            }
        }
    }
}
