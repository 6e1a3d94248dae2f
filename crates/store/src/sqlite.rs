//! SQLite in the task that asks.
//!
//! A look-up takes some ten microseconds: handing it to a thread and back would cost several times as much, and a login
//! asks about thirty times. So statements run where they are awaited. What could take long is told to the runtime first,
//! and nobody waits inside SQLite for a lock that another process holds: that wait is the runtime's. The log is folded into
//! the file elsewhere (`checkpoint.rs`), so that a commit waits for no disk.

use crate::checkpoint::Checkpoints;
use crate::query::{Arg, Query};
use rusqlite::types::{ToSql, ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, ErrorCode, OpenFlags, Statement};
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tokio::runtime::{Handle, RuntimeFlavor};

/// Other processes (`bia cleanup sql`, a backup) may hold the file for a moment.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
const STATEMENTS_CACHED: usize = 64;

/// How to open a connection.
#[derive(Clone)]
pub(crate) struct SqliteOptions {
    pub(crate) target: Target,
    /// Run when it is open.
    pub(crate) pragmas: Vec<(&'static str, &'static str)>,
    /// The one connection that writes to a file sees to its write-ahead log.
    pub(crate) has_log: bool,
}

#[derive(Clone)]
pub(crate) enum Target {
    File {
        path: PathBuf,
        read_only: bool,
        /// Nobody changes it meanwhile, so that neither locks nor side files are needed.
        immutable: bool,
    },
    /// Shared by all connections of this process that name it.
    Memory { name: String },
}

/// An open connection.
pub(crate) struct SqliteConnection {
    connection: Connection,
    checkpoints: Option<Checkpoints>,
}

/// The columns of one row.
pub(crate) struct SqliteRow(Vec<Value>);

impl SqliteOptions {
    /// Opening reads and writes the file, and may wait for others: not for the runtime's own threads.
    pub(crate) async fn open(&self) -> Result<SqliteConnection, rusqlite::Error> {
        let options = self.clone();
        let opened = tokio::task::spawn_blocking(move || options.open_now()).await;
        opened.unwrap_or_else(|_| Err(rusqlite::Error::InvalidQuery))
    }

    fn open_now(&self) -> Result<SqliteConnection, rusqlite::Error> {
        // A connection is used by one task at a time, which the borrow checker sees to.
        let base = OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
        let connection = match &self.target {
            Target::File { path, read_only, immutable } => {
                let access =
                    if *read_only { OpenFlags::SQLITE_OPEN_READ_ONLY } else { OpenFlags::SQLITE_OPEN_READ_WRITE };
                if *immutable {
                    Connection::open_with_flags(immutable_uri(path), base | access)?
                } else {
                    Connection::open_with_flags(plain(path), base | access)?
                }
            }
            Target::Memory { name } => {
                let access = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
                Connection::open_with_flags(format!("{name}?mode=memory&cache=shared"), base | access)?
            }
        };
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_CACHED);
        for (name, value) in &self.pragmas {
            connection.pragma_update(None, name, value)?;
        }
        connection.busy_timeout(Duration::ZERO)?;
        let checkpoints = match &self.target {
            Target::File { path, .. } if self.has_log => Some(Checkpoints::of(&connection, &plain(path))?),
            _ => None,
        };
        Ok(SqliteConnection { connection, checkpoints })
    }
}

/// A name that begins with `file:` would be taken for a URI.
fn plain(path: &std::path::Path) -> PathBuf {
    if path.is_absolute() { path.to_owned() } else { PathBuf::from(".").join(path) }
}

fn immutable_uri(path: &std::path::Path) -> String {
    let path = plain(path);
    // With an authority, which is empty: of `file://data/…`, `data` would be one.
    let mut uri = if path.is_absolute() { "file://" } else { "file:" }.to_owned();
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'/' | b'.' | b'-' | b'_' => uri.push(char::from(*byte)),
            // Names need not be UTF-8.
            other => uri.push_str(&format!("%{other:02x}")),
        }
    }
    uri + "?immutable=1"
}

impl SqliteConnection {
    pub(crate) async fn fetch_all(&mut self, query: &Query<'_>) -> Result<Vec<SqliteRow>, rusqlite::Error> {
        self.run(query, |statement| {
            let columns = statement.column_count();
            let mut found = Vec::new();
            let mut rows = statement.raw_query();
            while let Some(row) = rows.next()? {
                found.push(read(row, columns)?);
            }
            Ok(found)
        })
        .await
    }

    pub(crate) async fn fetch_optional(&mut self, query: &Query<'_>) -> Result<Option<SqliteRow>, rusqlite::Error> {
        self.run(query, |statement| {
            let columns = statement.column_count();
            let mut rows = statement.raw_query();
            rows.next()?.map(|row| read(row, columns)).transpose()
        })
        .await
    }

    pub(crate) async fn execute(&mut self, query: &Query<'_>) -> Result<u64, rusqlite::Error> {
        self.run(query, |statement| statement.raw_execute().map(|changed| changed as u64)).await
    }

    /// Several statements without arguments.
    pub(crate) async fn run_script(&mut self, sql: &str) -> Result<(), rusqlite::Error> {
        let connection = &mut self.connection;
        let outcome = patiently(move || maybe_long(sql.len() > 64, || connection.execute_batch(sql))).await;
        self.note_commit();
        outcome
    }

    /// After each statement: outside of a transaction it was a commit, or is taken for one.
    fn note_commit(&mut self) {
        if let Some(checkpoints) = self.checkpoints.as_mut().filter(|_| self.connection.is_autocommit()) {
            checkpoints.committed(&self.connection);
        }
    }

    async fn run<T>(
        &mut self,
        query: &Query<'_>,
        work: impl Fn(&mut Statement<'_>) -> Result<T, rusqlite::Error>,
    ) -> Result<T, rusqlite::Error> {
        // Held exclusively, because a connection may change threads but not be used by two.
        let connection = &mut self.connection;
        // Texts that vary are those of lists and searches, which may look at many rows.
        let outcome = patiently(move || {
            maybe_long(!query.cached, || {
                let (mut kept, mut fresh);
                let statement: &mut Statement<'_> = if query.cached {
                    kept = connection.prepare_cached(&query.sqlite)?;
                    &mut kept
                } else {
                    fresh = connection.prepare(&query.sqlite)?;
                    &mut fresh
                };
                bind(statement, &query.args)?;
                work(statement)
            })
        })
        .await;
        self.note_commit();
        outcome
    }
}

/// Tries again while another process holds the lock: a statement that met one has done nothing.
async fn patiently<T>(mut work: impl FnMut() -> Result<T, rusqlite::Error>) -> Result<T, rusqlite::Error> {
    let mut pause = Duration::from_millis(1);
    let mut began = None;
    loop {
        let outcome = work();
        let locked = matches!(
            outcome.as_ref().err().and_then(rusqlite::Error::sqlite_error_code),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
        );
        if !locked || began.get_or_insert_with(Instant::now).elapsed() > BUSY_TIMEOUT {
            return outcome;
        }
        tokio::time::sleep(pause).await;
        // Often enough to be met in the pauses of a clean-up, which belong to those who wait.
        pause = (pause * 2).min(Duration::from_millis(8));
    }
}

/// Lets the runtime's other tasks go on elsewhere meanwhile, where it has an elsewhere.
fn maybe_long<T>(long: bool, work: impl FnOnce() -> T) -> T {
    let threads = |handle: Handle| handle.runtime_flavor() == RuntimeFlavor::MultiThread;
    if long && Handle::try_current().is_ok_and(threads) { tokio::task::block_in_place(work) } else { work() }
}

/// SQLite counts placeholders by where they stand first, whatever their number says.
fn bind(statement: &mut Statement<'_>, args: &[Arg<'_>]) -> Result<(), rusqlite::Error> {
    for place in 1..=statement.parameter_count() {
        let number = statement.parameter_name(place).and_then(|name| name.strip_prefix('$')?.parse::<usize>().ok());
        let arg = number.and_then(|number| args.get(number.checked_sub(1)?));
        let arg = arg.ok_or(rusqlite::Error::InvalidParameterCount(args.len(), place))?;
        statement.raw_bind_parameter(place, arg)?;
    }
    Ok(())
}

impl ToSql for Arg<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let borrowed = |value| Ok(ToSqlOutput::Borrowed(value));
        let null = ValueRef::Null;
        match self {
            Self::Text(text) => borrowed(text.as_ref().map_or(null, |text| ValueRef::Text(text.as_bytes()))),
            Self::Int(number) => borrowed(number.map_or(null, ValueRef::Integer)),
            Self::Uuid(id) => borrowed(id.as_ref().map_or(null, |id| ValueRef::Blob(id.as_bytes()))),
            Self::Bytes(bytes) => borrowed(bytes.map_or(null, ValueRef::Blob)),
            Self::Bool(value) => borrowed(ValueRef::Integer(i64::from(*value))),
        }
    }
}

fn read(row: &rusqlite::Row<'_>, columns: usize) -> Result<SqliteRow, rusqlite::Error> {
    (0..columns).map(|index| row.get(index)).collect::<Result<_, _>>().map(SqliteRow)
}

impl SqliteRow {
    /// A column's value if it has the wanted type; the outer `None` when it has not.
    pub(crate) fn text(&self, index: usize) -> Option<Option<&str>> {
        match self.0.get(index)? {
            Value::Text(text) => Some(Some(text)),
            Value::Null => Some(None),
            _ => None,
        }
    }

    pub(crate) fn int(&self, index: usize) -> Option<Option<i64>> {
        match self.0.get(index)? {
            Value::Integer(number) => Some(Some(*number)),
            Value::Null => Some(None),
            _ => None,
        }
    }

    pub(crate) fn bytes(&self, index: usize) -> Option<Option<&[u8]>> {
        match self.0.get(index)? {
            Value::Blob(bytes) => Some(Some(bytes)),
            Value::Null => Some(None),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;
    use std::path::Path;

    #[test]
    fn a_quiet_file_is_found_under_any_name() {
        let folder = tempfile::tempdir().expect("a folder");
        let slashes = |path: &Path| PathBuf::from(format!("/{}", path.display()));
        let odd = folder.path().join(OsStr::from_bytes(b"100% #1?\xff.sqlite"));
        for path in [slashes(&folder.path().join("bia.sqlite")), odd] {
            Connection::open(&path).expect("made").execute_batch("CREATE TABLE here (n)").expect("a table");
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
            let found = Connection::open_with_flags(immutable_uri(&path), flags).expect("found");
            let tables: i64 = found.query_row("SELECT COUNT(*) FROM here", [], |row| row.get(0)).expect("the same one");
            assert_eq!(tables, 0, "{}", path.display());
        }
    }
}
