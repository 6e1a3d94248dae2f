//! One connection to either database, with the handful of verbs everything else is built on.

use crate::dsn::{Dsn, SqliteMode};
use crate::query::{Arg, Query, Row};
use sqlx::postgres::{PgConnectOptions, PgConnection, Postgres};
use sqlx::sqlite::{Sqlite, SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, SqlSafeStr as _};
use std::borrow::Cow;
use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

/// Which SQL a connection speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    Sqlite,
    Postgres,
}

/// How to open a connection; cloned for every new one.
#[derive(Clone)]
pub(crate) enum Opener {
    Sqlite(Box<SqliteConnectOptions>),
    Postgres(Box<PgConnectOptions>),
}

/// Other processes (`bia cleanup sql`, a backup) may hold the file for a moment.
const SQLITE_BUSY_TIMEOUT: Duration = Duration::from_secs(10);

impl Opener {
    /// For looking only: changes neither the file nor its folder.
    pub(crate) fn looking(path: &Path) -> Self {
        Self::Sqlite(Box::new(
            SqliteConnectOptions::new()
                .filename(path)
                .read_only(true)
                .immutable(is_quiet_log_database(path))
                .busy_timeout(SQLITE_BUSY_TIMEOUT)
                .disable_statement_logging(),
        ))
    }

    /// A SQLite connection for readers (`writer` false) or for the one writer.
    pub(crate) fn sqlite(dsn: &Dsn, writer: bool, full_synchronous: bool) -> Option<Self> {
        let base = SqliteConnectOptions::new()
            .foreign_keys(true)
            .busy_timeout(SQLITE_BUSY_TIMEOUT)
            .statement_cache_capacity(64)
            // In KiB when negative. The operating system caches the file, so ours can stay small.
            .pragma("cache_size", if writer { "-1024" } else { "-512" })
            .pragma("temp_store", "MEMORY")
            .thread_name(move |_| if writer { "sqlite-writer" } else { "sqlite-reader" }.to_owned())
            .disable_statement_logging();
        let options = match dsn {
            Dsn::SqliteFile { path, mode } => {
                let base = base.filename(path).create_if_missing(false);
                if *mode == SqliteMode::ReadOnly {
                    base.read_only(true)
                } else if writer {
                    base.journal_mode(SqliteJournalMode::Wal)
                        .synchronous(if full_synchronous { SqliteSynchronous::Full } else { SqliteSynchronous::Normal })
                        .pragma("journal_size_limit", "67108864")
                } else {
                    base.pragma("query_only", "ON")
                }
            }
            // Readers of a shared cache would wait for the writer's whole transaction, even for one of
            // their own task; reading what isn't committed yet is the lesser evil for data in memory.
            Dsn::SqliteMemory { name } => {
                base.filename(name).in_memory(true).shared_cache(true).pragma("read_uncommitted", "ON")
            }
            Dsn::Postgres { .. } => return None,
        };
        Some(Self::Sqlite(Box::new(options)))
    }

    pub(crate) async fn open(&self) -> Result<Connection, sqlx::Error> {
        match self {
            Self::Sqlite(options) => options.connect().await.map(Connection::Sqlite),
            Self::Postgres(options) => options.connect().await.map(Connection::Postgres),
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

macro_rules! bind_all {
    ($query:ident) => {{
        let text: Cow<'static, str> = $query.text_for(DIALECT);
        let sql = match text {
            Cow::Borrowed(text) => text.into_sql_str(),
            Cow::Owned(text) => AssertSqlSafe(text).into_sql_str(),
        };
        let mut statement = sqlx::query::<Db>(sql).persistent($query.cached);
        for arg in &$query.args {
            statement = match arg {
                Arg::Text(value) => statement.bind(value.as_deref()),
                Arg::Int(value) => statement.bind(*value),
                Arg::Uuid(value) => statement.bind(*value),
                Arg::Bytes(value) => statement.bind(*value),
                Arg::Bool(value) => statement.bind(*value),
            };
        }
        statement
    }};
}

macro_rules! on_each {
    ($self:ident, $query:ident, |$statement:ident, $connection:ident, $row:ident| $body:expr) => {
        match $self {
            Self::Sqlite($connection) => {
                type Db = Sqlite;
                const DIALECT: Dialect = Dialect::Sqlite;
                let $row = Row::Sqlite;
                let $statement = bind_all!($query);
                $body
            }
            Self::Postgres($connection) => {
                type Db = Postgres;
                const DIALECT: Dialect = Dialect::Postgres;
                let $row = Row::Postgres;
                let $statement = bind_all!($query);
                $body
            }
        }
    };
}

impl Connection {
    pub(crate) const fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    pub(crate) async fn fetch_all(&mut self, query: &Query<'_>) -> Result<Vec<Row>, sqlx::Error> {
        on_each!(self, query, |statement, connection, row| statement
            .fetch_all(connection)
            .await
            .map(|rows| rows.into_iter().map(row).collect()))
    }

    /// The first row. For reading only: a statement that writes must be run to its end.
    pub(crate) async fn fetch_optional(&mut self, query: &Query<'_>) -> Result<Option<Row>, sqlx::Error> {
        on_each!(self, query, |statement, connection, row| statement
            .fetch_optional(connection)
            .await
            .map(|found| found.map(row)))
    }

    /// How many rows were changed.
    pub(crate) async fn execute(&mut self, query: &Query<'_>) -> Result<u64, sqlx::Error> {
        on_each!(self, query, |statement, connection, _row| statement
            .execute(connection)
            .await
            .map(|done| done.rows_affected()))
    }

    /// Runs a script of several statements without arguments.
    pub(crate) async fn run_script(&mut self, sql: &'static str) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite(connection) => connection.execute(sqlx::raw_sql(sql)).await.map(drop),
            Self::Postgres(connection) => connection.execute(sqlx::raw_sql(sql)).await.map(drop),
        }
    }

    /// Begins a unit of work. SQLite takes the write lock at once: a reader that turns into a writer
    /// later could be refused.
    pub(crate) async fn begin(&mut self) -> Result<(), sqlx::Error> {
        let sql = match self.dialect() {
            Dialect::Sqlite => "BEGIN IMMEDIATE",
            Dialect::Postgres => "BEGIN",
        };
        self.run_script(sql).await
    }

    pub(crate) async fn commit(&mut self) -> Result<(), sqlx::Error> {
        self.run_script("COMMIT").await
    }

    pub(crate) async fn rollback(&mut self) -> Result<(), sqlx::Error> {
        self.run_script("ROLLBACK").await
    }

    pub(crate) async fn close(self) {
        // Failing to say goodbye is no reason to fail.
        let _ = match self {
            Self::Sqlite(connection) => connection.close().await,
            Self::Postgres(connection) => connection.close().await,
        };
    }
}
