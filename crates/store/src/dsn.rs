//! The DSN, in the forms that Kratos and its Go drivers accept.
//!
//! `sqlite://db.sqlite?_fk=true&mode=rwc`, `sqlite:///var/lib/bia/db.sqlite`, `memory`, and
//! `postgres://user:password@host/db?sslmode=…&max_conns=…`. Parameters that only mean something to Go's
//! SQLite driver are accepted without effect: foreign keys, write-ahead logging and locking are ours to set.

use crate::connection::Dialect;
use crate::error::{Result, StoreError};
use sqlx::ConnectOptions as _;
use sqlx::postgres::PgConnectOptions;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use url::Url;

/// How a SQLite file may be opened (`mode`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SqliteMode {
    ReadWriteCreate,
    ReadWrite,
    ReadOnly,
}

/// Limits that a PostgreSQL DSN may carry (`max_conns`, `max_idle_conns`, …).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DsnLimits {
    pub connections_max: Option<usize>,
    pub idle_connections_max: Option<usize>,
    pub connection_lifetime: Option<Duration>,
    pub connection_idle_time: Option<Duration>,
    pub connect_timeout: Option<Duration>,
}

/// A parsed DSN.
#[derive(Clone)]
pub enum Dsn {
    SqliteFile {
        path: PathBuf,
        mode: SqliteMode,
    },
    /// Gone when the process ends. Each parse names another database.
    SqliteMemory {
        name: String,
    },
    Postgres {
        options: Box<PgConnectOptions>,
        limits: DsnLimits,
    },
}

impl Dsn {
    /// Reads a DSN; the error says what to write instead and never repeats a password.
    pub fn parse(dsn: &str) -> Result<Self> {
        let dsn = dsn.trim();
        if dsn == "memory" || dsn == ":memory:" {
            return Ok(Self::memory());
        }
        let Some((scheme, rest)) = dsn.split_once("://") else {
            return Err(refuse(
                "dsn: expected `sqlite://<path>`, `postgres://<user>:<password>@<host>/<database>` or `memory`",
            ));
        };
        match scheme.to_ascii_lowercase().as_str() {
            "sqlite" | "sqlite3" => sqlite(rest),
            "postgres" | "postgresql" => postgres(dsn),
            "mysql" => Err(refuse(
                "dsn: Bia keeps its data in SQLite or PostgreSQL, not in MySQL. \
                 Use `sqlite://<path>` or `postgres://…`",
            )),
            "cockroach" | "cockroachdb" | "crdb" => Err(refuse(
                "dsn: Bia keeps its data in SQLite or PostgreSQL, not in CockroachDB. \
                 Use `sqlite://<path>` or `postgres://…`",
            )),
            other => {
                Err(refuse(format!("dsn: unknown scheme `{other}`. Use `sqlite://<path>`, `postgres://…` or `memory`")))
            }
        }
    }

    fn memory() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self::SqliteMemory { name: format!("file:bia-memory-{number}") }
    }

    /// The SQLite file, beside which generated secrets are kept.
    pub fn sqlite_path(&self) -> Option<&Path> {
        match self {
            Self::SqliteFile { path, .. } => Some(path),
            _ => None,
        }
    }

    /// Which database it names.
    pub const fn dialect(&self) -> Dialect {
        match self {
            Self::Postgres { .. } => Dialect::Postgres,
            Self::SqliteFile { .. } | Self::SqliteMemory { .. } => Dialect::Sqlite,
        }
    }

    /// True when everything is gone with the process.
    pub const fn is_memory(&self) -> bool {
        matches!(self, Self::SqliteMemory { .. })
    }

    /// The database's name for logs and errors, without user and password.
    pub fn describe(&self) -> String {
        match self {
            Self::SqliteFile { path, .. } => format!("the SQLite file {}", path.display()),
            Self::SqliteMemory { .. } => "the database in memory".to_owned(),
            Self::Postgres { options, .. } => format!(
                "the PostgreSQL database {} at {}",
                options.get_database().unwrap_or("(default)"),
                options.get_socket().map_or_else(
                    || format!("{}:{}", options.get_host(), options.get_port()),
                    |path| path.display().to_string()
                ),
            ),
        }
    }
}

impl std::fmt::Debug for Dsn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.describe())
    }
}

fn refuse(reason: impl Into<String>) -> StoreError {
    StoreError::Dsn { reason: reason.into() }
}

fn sqlite(rest: &str) -> Result<Dsn> {
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let path = path.strip_prefix("file:").unwrap_or(path);
    let mut mode = SqliteMode::ReadWriteCreate;
    for (key, value) in form_pairs(query) {
        if key == "mode" {
            mode = match value.as_str() {
                "rwc" => SqliteMode::ReadWriteCreate,
                "rw" => SqliteMode::ReadWrite,
                "ro" => SqliteMode::ReadOnly,
                "memory" => return Ok(Dsn::memory()),
                other => {
                    return Err(refuse(format!("dsn: `mode={other}` is unknown; use rwc, rw, ro or memory")));
                }
            };
        }
    }
    if path == ":memory:" {
        return Ok(Dsn::memory());
    }
    if path.is_empty() {
        return Err(refuse(
            "dsn: `sqlite://` names no file; write `sqlite://db.sqlite` or `sqlite:///var/lib/bia/db.sqlite`",
        ));
    }
    Ok(Dsn::SqliteFile { path: PathBuf::from(path), mode })
}

fn postgres(dsn: &str) -> Result<Dsn> {
    // url's errors don't repeat the input.
    let mut url = Url::parse(dsn).map_err(|error| {
        refuse(format!("dsn: this is no URL ({error}). Special characters of the password must be percent-encoded"))
    })?;
    // `postgres:password@host/db`, whose scheme somebody forgot: it would lead to this machine, and the password into logs.
    if !url.has_authority() {
        return Err(refuse("dsn: expected `postgres://<user>:<password>@<host>/<database>`"));
    }
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let mut limits = DsnLimits::default();
    let mut kept = Vec::new();
    let mut settings = Vec::new();
    for (key, value) in pairs {
        match key.as_str() {
            "max_conns" | "pool_max_conns" => limits.connections_max = Some(count(&key, &value)?.max(1)),
            "max_idle_conns" => limits.idle_connections_max = Some(count(&key, &value)?),
            "max_conn_lifetime" | "pool_max_conn_lifetime" => {
                limits.connection_lifetime = Some(duration(&key, &value)?);
            }
            "max_conn_idle_time" | "pool_max_conn_idle_time" => {
                limits.connection_idle_time = Some(duration(&key, &value)?);
            }
            "connect_timeout" => limits.connect_timeout = Some(seconds(&key, &value)?),
            "sslmode"
            | "sslrootcert"
            | "sslcert"
            | "sslkey"
            | "host"
            | "hostaddr"
            | "port"
            | "dbname"
            | "user"
            | "password"
            | "application_name"
            | "options"
            | "statement-cache-capacity" => {
                kept.push((key, value));
            }
            "statement_cache_capacity" => kept.push(("statement-cache-capacity".to_owned(), value)),
            // Parameters of Go's drivers about how they speak, which ours settles itself.
            "default_query_exec_mode"
            | "description_cache_capacity"
            | "binary_parameters"
            | "fallback_application_name"
            | "sslsni"
            | "sslinline"
            | "target_session_attrs"
            | "pool_min_conns"
            | "pool_health_check_period"
            | "pool_max_conn_lifetime_jitter" => {}
            // As in Go's drivers, anything else is a setting of the session, `search_path` first of all.
            _ => settings.push((key, value)),
        }
    }
    url.set_query(None);
    if !kept.is_empty() {
        url.query_pairs_mut().extend_pairs(kept);
    }
    let mut options = PgConnectOptions::from_str(url.as_str())
        .map_err(|_| {
            refuse(
                "dsn: a parameter of the PostgreSQL URL has a value that can't be used; \
            see `sslmode`, `port` and `hostaddr`",
            )
        })?
        .options(settings)
        .disable_statement_logging();
    if options.get_application_name().is_none() {
        options = options.application_name("bia");
    }
    Ok(Dsn::Postgres { options: Box::new(options), limits })
}

fn form_pairs(query: &str) -> Vec<(String, String)> {
    url::form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

fn count(key: &str, value: &str) -> Result<usize> {
    value.parse().map_err(|_| refuse(format!("dsn: `{key}` must be a whole number")))
}

/// Plain seconds, as libpq counts `connect_timeout`, or a Go duration.
fn seconds(key: &str, value: &str) -> Result<Duration> {
    value.parse().map(Duration::from_secs).or_else(|_| duration(key, value))
}

/// A Go duration of whole or broken units: `1h30m`, `1.5s`, `500ms`.
fn duration(key: &str, value: &str) -> Result<Duration> {
    let wrong = || refuse(format!("dsn: `{key}` must be a duration such as `30s` or `1h30m`"));
    if value == "0" {
        return Ok(Duration::ZERO);
    }
    let mut total = 0.0_f64;
    let mut rest = value;
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(wrong)?;
        let (number, tail) = rest.split_at(digits);
        let unit_end = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_end);
        let scale = match unit {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" => 1e-6,
            "ns" => 1e-9,
            _ => return Err(wrong()),
        };
        total += number.parse::<f64>().map_err(|_| wrong())? * scale;
        rest = tail;
    }
    Duration::try_from_secs_f64(total).map_err(|_| wrong())
}

#[cfg(test)]
mod tests;
