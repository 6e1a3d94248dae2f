//! One connection to either database, with the handful of verbs everything else is built on.

use crate::dsn::{Dsn, SqliteMode};
use crate::error::DriverError;
use crate::query::{Arg, Query, Row};
use crate::sqlite::{SqliteConnection, SqliteOptions, Target};
use sqlx::postgres::{PgConnectOptions, PgConnection, Postgres};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, SqlSafeStr as _};
use std::borrow::Cow;
use std::io::Read as _;
use std::path::Path;

/// Which SQL a connection speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    Sqlite,
    Postgres,
}

/// How to open a connection; cloned for every new one.
#[derive(Clone)]
pub(crate) enum Opener {
    Sqlite(Box<SqliteOptions>),
    Postgres(Box<PgConnectOptions>),
}

impl Opener {
    /// For looking only: changes neither the file nor its folder.
    pub(crate) fn looking(path: &Path) -> Self {
        let target = Target::File { path: path.to_owned(), read_only: true, immutable: is_quiet_log_database(path) };
        Self::Sqlite(Box::new(SqliteOptions { target, pragmas: Vec::new(), has_log: false }))
    }

    /// A SQLite connection for readers (`writer` false) or for the one writer.
    pub(crate) fn sqlite(dsn: &Dsn, writer: bool) -> Option<Self> {
        let mut pragmas = vec![
            ("foreign_keys", "ON"),
            // In KiB when negative. The operating system caches the file, so ours can stay small.
            ("cache_size", if writer { "-1024" } else { "-512" }),
            ("temp_store", "MEMORY"),
        ];
        let mut has_log = false;
        let target = match dsn {
            Dsn::SqliteFile { path, mode } => {
                let read_only = *mode == SqliteMode::ReadOnly;
                if !read_only && writer {
                    has_log = true;
                    pragmas.push(("journal_mode", "WAL"));
                    // A crash or a kill of the program loses nothing; a power cut at most the last moments, because the
                    // disk is not flushed at every commit.
                    pragmas.push(("synchronous", "NORMAL"));
                    pragmas.push(("journal_size_limit", "67108864"));
                } else if !read_only {
                    pragmas.push(("query_only", "ON"));
                }
                Target::File { path: path.clone(), read_only, immutable: false }
            }
            // Readers of a shared cache would wait for the writer's whole transaction, even for one of
            // their own task; reading what isn't committed yet is the lesser evil for data in memory.
            Dsn::SqliteMemory { name } => {
                pragmas.push(("read_uncommitted", "ON"));
                Target::Memory { name: name.clone() }
            }
            Dsn::Postgres { .. } => return None,
        };
        Some(Self::Sqlite(Box::new(SqliteOptions { target, pragmas, has_log })))
    }

    pub(crate) async fn open(&self) -> Result<Connection, DriverError> {
        match self {
            Self::Sqlite(options) => Ok(Connection::Sqlite(options.open().await?)),
            Self::Postgres(options) => Ok(Connection::Postgres(options.connect().await?)),
        }
    }
}

/// A file in write-ahead mode without its log isn't in use by anybody, and SQLite would leave a new log
/// behind after merely reading it. In that case alone it may be read as if nothing could change it.
fn is_quiet_log_database(path: &Path) -> bool {
    let mut header = [0; 20];
    let read = std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut header));
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    // Bytes 18 and 19 are the file format's write and read version: 2 means write-ahead log.
    read.is_ok() && header[19] == 2 && !Path::new(&log).exists()
}

/// An open connection.
pub(crate) enum Connection {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

/// The statement as PostgreSQL's driver takes it.
fn bound<'q>(query: &'q Query<'_>) -> sqlx::query::Query<'q, Postgres, sqlx::postgres::PgArguments> {
    // Constant texts aren't copied.
    let sql = match query.postgres.clone() {
        Cow::Borrowed(text) => text.into_sql_str(),
        Cow::Owned(text) => AssertSqlSafe(text).into_sql_str(),
    };
    let mut statement = sqlx::query::<Postgres>(sql).persistent(query.cached);
    for arg in &query.args {
        statement = match arg {
            Arg::Text(value) => statement.bind(value.as_deref()),
            Arg::Int(value) => statement.bind(*value),
            Arg::Uuid(value) => statement.bind(*value),
            Arg::Bytes(value) => statement.bind(*value),
            Arg::Bool(value) => statement.bind(*value),
        };
    }
    statement
}

impl Connection {
    pub(crate) const fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    pub(crate) async fn fetch_all(&mut self, query: &Query<'_>) -> Result<Vec<Row>, DriverError> {
        Ok(match self {
            Self::Sqlite(connection) => connection.fetch_all(query).await?.into_iter().map(Row::Sqlite).collect(),
            Self::Postgres(connection) => {
                bound(query).fetch_all(connection).await?.into_iter().map(Row::Postgres).collect()
            }
        })
    }

    /// The first row. For reading only: a statement that writes must be run to its end.
    pub(crate) async fn fetch_optional(&mut self, query: &Query<'_>) -> Result<Option<Row>, DriverError> {
        Ok(match self {
            Self::Sqlite(connection) => connection.fetch_optional(query).await?.map(Row::Sqlite),
            Self::Postgres(connection) => bound(query).fetch_optional(connection).await?.map(Row::Postgres),
        })
    }

    /// How many rows were changed.
    pub(crate) async fn execute(&mut self, query: &Query<'_>) -> Result<u64, DriverError> {
        Ok(match self {
            Self::Sqlite(connection) => connection.execute(query).await?,
            Self::Postgres(connection) => bound(query).execute(connection).await?.rows_affected(),
        })
    }

    /// Runs a script of several statements without arguments.
    pub(crate) async fn run_script(&mut self, sql: &'static str) -> Result<(), DriverError> {
        match self {
            Self::Sqlite(connection) => connection.run_script(sql).await?,
            Self::Postgres(connection) => {
                connection.execute(sqlx::raw_sql(sql)).await?;
            }
        }
        Ok(())
    }

    /// Begins a unit of work. SQLite takes the write lock at once: a reader that turns into a writer
    /// later could be refused.
    pub(crate) async fn begin(&mut self) -> Result<(), DriverError> {
        let sql = match self.dialect() {
            Dialect::Sqlite => "BEGIN IMMEDIATE",
            Dialect::Postgres => "BEGIN",
        };
        self.run_script(sql).await
    }

    pub(crate) async fn commit(&mut self) -> Result<(), DriverError> {
        self.run_script("COMMIT").await
    }

    pub(crate) async fn rollback(&mut self) -> Result<(), DriverError> {
        self.run_script("ROLLBACK").await
    }

    pub(crate) async fn close(self) {
        // SQLite's closes when it is dropped; the other says goodbye, and failing to do so is no reason to fail.
        if let Self::Postgres(connection) = self {
            let _ = connection.close().await;
        }
    }
}
