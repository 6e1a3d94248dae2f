//! From a DSN to an open store, after looking whose database it is.

use crate::connection::{Connection, Dialect, Opener};
use crate::dsn::{Dsn, DsnLimits, SqliteMode};
use crate::error::{Failure, Result, StoreError};
use crate::owner;
use crate::pool::{Lease, Limits, Pool, PoolUsage};
use crate::query::{Query, Row};
use crate::transaction::Transaction;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::timeout;

/// Limits, with defaults that fit a small server.
#[derive(Clone, Copy, Debug)]
pub struct ConnectOptions {
    /// SQLite: connections that read at the same time.
    pub readers_max: usize,
    /// PostgreSQL: connections altogether; `max_conns` in the DSN wins.
    pub connections_max: usize,
    /// How long a request waits for a connection before it is told that the database is unavailable.
    pub acquire_timeout: Duration,
    /// How long one statement may take.
    pub statement_timeout: Duration,
}

impl Default for ConnectOptions {
    fn default() -> Self {
        Self {
            readers_max: 8,
            connections_max: 16,
            acquire_timeout: Duration::from_secs(10),
            statement_timeout: Duration::from_secs(20),
        }
    }
}

/// An open database. Clones share everything.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    dsn: Dsn,
    migration_opener: Opener,
    readers: Arc<Pool>,
    writer: Arc<Pool>,
    /// Keeps a database in memory alive when no other connection is open.
    _anchor: Option<Mutex<Connection>>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Store").field(&self.inner.dsn).finish()
    }
}

impl Store {
    /// Opens the database that the DSN names, and refuses one that belongs to somebody else before changing
    /// a byte of it. A missing SQLite file is made, readable by its owner only. Doesn't migrate.
    pub async fn connect(dsn: &str, options: &ConnectOptions) -> Result<Self> {
        let dsn = Dsn::parse(dsn)?;
        let inner = match &dsn {
            Dsn::SqliteFile { path, mode } => {
                prepare_file(path, *mode, &dsn).await?;
                sqlite(dsn, options, None)?
            }
            Dsn::SqliteMemory { .. } => {
                let opener = sqlite_opener(&dsn, true)?;
                let anchor = open(&opener, options.acquire_timeout).await?;
                sqlite(dsn, options, Some(Mutex::new(anchor)))?
            }
            Dsn::Postgres { options: server, limits } => {
                let (opener, limits) = (Opener::Postgres(server.clone()), *limits);
                let wait = limits.connect_timeout.unwrap_or(options.acquire_timeout);
                let mut connection = open(&opener, wait).await?;
                owner::look(&mut connection).await.map_err(|look| look.into_error(&dsn.describe()))?;
                connection.close().await;
                postgres(dsn, opener, limits, options)
            }
        };
        let store = Self { inner: Arc::new(inner) };
        // The first connection now rather than at the first request, which also tells whether it works.
        let first = store.inner.writer.acquire().await;
        drop(first.map_err(|error| unusable(&store.inner.dsn, error))?);
        Ok(store)
    }

    /// Which of the two databases it is.
    pub fn dialect(&self) -> Dialect {
        self.inner.dsn.dialect()
    }

    /// The database's name for logs, without user and password.
    pub fn describe(&self) -> String {
        self.inner.dsn.describe()
    }

    /// Begins a unit of work. In SQLite this waits for the turn to write, so ask others (providers,
    /// mappers, web hooks) before, not during.
    pub async fn begin(&self) -> Result<Transaction> {
        let mut lease = self.to_write().await?;
        match lease.begin().await {
            Err(StoreError::Unavailable { .. }) if lease.was_dead() => {
                // As after a restart of PostgreSQL.
                drop(lease);
                let mut lease = self.inner.writer.acquire().await?;
                lease.begin().await?;
                Ok(Transaction::new(lease))
            }
            Err(error) => Err(error),
            Ok(()) => Ok(Transaction::new(lease)),
        }
    }

    /// How full the pools are; in PostgreSQL there is one for reading and writing.
    pub fn pools(&self) -> Vec<PoolUsage> {
        let (readers, writer) = (&self.inner.readers, &self.inner.writer);
        if Arc::ptr_eq(readers, writer) { vec![writer.usage()] } else { vec![readers.usage(), writer.usage()] }
    }

    /// Closes the connections; SQLite folds its write-ahead log into the file. Open units end first.
    pub async fn close(&self) {
        self.inner.readers.close().await;
        self.inner.writer.close().await;
    }

    pub(crate) async fn open_for_migration(&self) -> Result<Connection> {
        open(&self.inner.migration_opener, Duration::from_secs(30)).await
    }

    /// A connection that is about to write. After a restart or a failover of PostgreSQL, it may be dead or lead to a server
    /// that only reads; since a write can't be tried twice, it is looked at first, unless a write has just gone well on it.
    /// Within that moment one write may still fail, and takes the idle connections along.
    async fn to_write(&self) -> Result<Lease> {
        let mut lease = self.inner.writer.acquire().await?;
        // Ends at the latest with a fresh connection, which is what it is.
        while self.dialect() == Dialect::Postgres && lease.unproven_for() > UNSEEN_MAX {
            let look = Query::new("look", "SELECT current_setting('transaction_read_only') = 'on'");
            let reads_only = match lease.fetch_optional(&look).await {
                Ok(row) => row.is_none_or(|row| row.bool(0).unwrap_or(true)),
                Err(_) if lease.was_dead() => true,
                Err(error) => return Err(error),
            };
            if !reads_only {
                lease.prove();
                break;
            }
            lease.discard();
            // Those that were opened beside it lead to the same server.
            self.inner.writer.forget_idle();
            drop(lease);
            lease = self.inner.writer.acquire().await?;
        }
        Ok(lease)
    }

    pub(crate) async fn fetch_all(&self, query: Query<'_>) -> Result<Vec<Row>> {
        let mut lease = self.inner.readers.acquire().await?;
        match lease.fetch_all(&query).await {
            Err(_) if lease.was_dead() => {
                drop(lease);
                self.inner.readers.acquire().await?.fetch_all(&query).await
            }
            outcome => outcome,
        }
    }

    pub(crate) async fn fetch_optional(&self, query: Query<'_>) -> Result<Option<Row>> {
        let mut lease = self.inner.readers.acquire().await?;
        match lease.fetch_optional(&query).await {
            // Reading again does no harm; the first connection may have died while it was idle.
            Err(_) if lease.was_dead() => {
                drop(lease);
                let mut lease = self.inner.readers.acquire().await?;
                lease.fetch_optional(&query).await
            }
            outcome => outcome,
        }
    }

    /// Runs one writing statement and keeps it at once.
    pub(crate) async fn execute(&self, query: Query<'_>) -> Result<u64> {
        let mut lease = self.to_write().await?;
        for _ in 0..COLLISIONS_MAX {
            match lease.execute(&query).await {
                Err(error) if error.is_collision() => {}
                outcome => return outcome,
            }
        }
        lease.execute(&query).await
    }

    /// As [`Store::execute`], for a statement with `RETURNING`.
    pub(crate) async fn fetch_written(&self, query: Query<'_>) -> Result<Vec<Row>> {
        let mut lease = self.to_write().await?;
        for _ in 0..COLLISIONS_MAX {
            match lease.fetch_written(&query).await {
                Err(error) if error.is_collision() => {}
                outcome => return outcome,
            }
        }
        lease.fetch_written(&query).await
    }
}

/// So long a connection on which a write went well is taken to be good for another one.
const UNSEEN_MAX: Duration = Duration::from_secs(1);

/// A single statement that met another one was undone by the database, so trying it again is safe.
pub(crate) const COLLISIONS_MAX: u32 = 3;

async fn open(opener: &Opener, limit: Duration) -> Result<Connection> {
    match timeout(limit, opener.open()).await {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(error)) => Err(Failure::from(error).error),
        Err(_) => Err(StoreError::unavailable("connecting took too long")),
    }
}

/// At a start nobody knows yet which file is meant, nor what it takes.
fn unusable(dsn: &Dsn, error: StoreError) -> StoreError {
    match (dsn.sqlite_path(), error) {
        (Some(path), StoreError::Unavailable { reason }) => StoreError::unavailable(format!(
            "{reason} ({}). The file and its folder have to be writable, on a disk with room",
            path.display()
        )),
        (_, error) => error,
    }
}

/// Looks into an existing file without changing it, or makes a missing one.
async fn prepare_file(path: &Path, mode: SqliteMode, dsn: &Dsn) -> Result<()> {
    match std::fs::metadata(path) {
        Ok(found) if !found.is_file() => Err(StoreError::Dsn { reason: format!("dsn: {} is no file", path.display()) }),
        Ok(_) => {
            let mut connection = open(&Opener::looking(path), Duration::from_secs(30)).await?;
            let outcome = owner::look(&mut connection).await;
            connection.close().await;
            outcome.map(drop).map_err(|look| look.into_error(&dsn.describe()))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && mode == SqliteMode::ReadWriteCreate => {
            make_file(path)
        }
        Err(error) => Err(StoreError::Dsn {
            reason: format!("dsn: the SQLite file {} can't be opened: {}", path.display(), error.kind()),
        }),
    }
}

/// SQLite gives its side files the same permissions.
fn make_file(path: &Path) -> Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop).map_err(|error| StoreError::Dsn {
        reason: format!(
            "dsn: the SQLite file {} can't be made: {}. Its folder must exist and be writable",
            path.display(),
            error.kind()
        ),
    })
}

fn sqlite_opener(dsn: &Dsn, writer: bool) -> Result<Opener> {
    Opener::sqlite(dsn, writer).ok_or_else(|| StoreError::Dsn { reason: "dsn: expected a SQLite database".to_owned() })
}

fn sqlite(dsn: Dsn, options: &ConnectOptions, anchor: Option<Mutex<Connection>>) -> Result<Inner> {
    let limits = Limits {
        connections_max: options.readers_max.max(1),
        idle_max: options.readers_max.max(1),
        lifetime: None,
        idle_time: Some(Duration::from_secs(60)),
        acquire_timeout: options.acquire_timeout,
        statement_timeout: options.statement_timeout,
    };
    let writer = Limits { connections_max: 1, idle_max: 1, idle_time: None, ..limits };
    let write_opener = sqlite_opener(&dsn, true)?;
    Ok(Inner {
        readers: Pool::new("read", sqlite_opener(&dsn, false)?, limits),
        writer: Pool::new("write", write_opener.clone(), writer),
        migration_opener: write_opener,
        dsn,
        _anchor: anchor,
    })
}

fn postgres(dsn: Dsn, opener: Opener, limits: DsnLimits, options: &ConnectOptions) -> Inner {
    let connections_max = limits.connections_max.unwrap_or(options.connections_max).max(1);
    let limits = Limits {
        connections_max,
        idle_max: limits.idle_connections_max.unwrap_or(connections_max),
        lifetime: limits.connection_lifetime.or(Some(Duration::from_secs(1800))),
        idle_time: limits.connection_idle_time.or(Some(Duration::from_secs(300))),
        acquire_timeout: options.acquire_timeout,
        statement_timeout: options.statement_timeout,
    };
    let pool = Pool::new("all", opener.clone(), limits);
    Inner { readers: Arc::clone(&pool), writer: pool, migration_opener: opener, dsn, _anchor: None }
}
