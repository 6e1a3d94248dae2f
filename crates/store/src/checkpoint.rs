//! Folds SQLite's write-ahead log into the file, beside the work.
//!
//! SQLite would do it inside the commit that makes the log too long: two waits for the disk and a thousand pages, on a
//! thread of the runtime, while nobody else is served there. So the rows that the writer changes are counted, and another
//! connection folds on a thread that may wait. Its checkpoints are "passive": they hold nobody up, and may leave a rest for
//! the next one. Only a log that grew long all the same is folded with the writers waiting.

use rusqlite::{Connection, OpenFlags};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::runtime::Handle;

/// Changed rows from one fold to the next. Each writes three to five pages of 4 KiB: its own, and one for each index. Rows
/// and not commits are counted, because one commit of a clean-up has a hundred of them.
const ROWS: u64 = 300;

/// Pages in the log at which SQLite folds inside a commit after all, such as in the middle of an import: 32 MiB.
const PAGES_MAX: u32 = 8000;

/// Belongs to the writer of one file.
pub(crate) struct Checkpoints {
    path: PathBuf,
    /// Of the writer's life, up to the last fold.
    rows: u64,
    at_work: Arc<AtomicBool>,
}

impl Checkpoints {
    /// Takes over from SQLite what it would do at the commits of `writer`.
    pub(crate) fn of(writer: &Connection, path: &Path) -> Result<Self, rusqlite::Error> {
        writer.pragma_update(None, "wal_autocheckpoint", PAGES_MAX)?;
        Ok(Self { path: path.to_owned(), rows: writer.total_changes(), at_work: Arc::default() })
    }

    /// To be told of each commit.
    pub(crate) fn committed(&mut self, writer: &Connection) {
        let rows = writer.total_changes();
        let Some(runtime) = (rows - self.rows >= ROWS).then(Handle::try_current).and_then(Result::ok) else { return };
        if self.at_work.swap(true, Ordering::AcqRel) {
            return;
        }
        self.rows = rows;
        let (path, at_work) = (self.path.clone(), Arc::clone(&self.at_work));
        runtime.spawn_blocking(move || {
            if let Err(error) = fold(&path) {
                // The next one folds what this one left; what is wrong with the disk, commits say.
                tracing::debug!(%error, "the write-ahead log could not be folded into the file");
            }
            at_work.store(false, Ordering::Release);
        });
    }
}

fn fold(path: &Path) -> Result<(), rusqlite::Error> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    // Whoever is in the way now is not waited for.
    connection.busy_timeout(Duration::ZERO)?;
    // -1 where somebody else folds.
    let pages: i64 = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get(1))?;
    if pages < i64::from(PAGES_MAX / 2) {
        return Ok(());
    }
    // Somebody committed meanwhile, over and over, so the log never began anew. This time writers wait while the few pages
    // that are left are folded. A reader or a writer who is at work leaves it to the next time.
    connection.query_row("PRAGMA wal_checkpoint(RESTART)", [], |_| Ok(()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_long_log_is_folded_into_the_file_while_the_writer_goes_on() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("bia.sqlite");
        let writer = Connection::open(&path).expect("a file");
        writer.pragma_update(None, "journal_mode", "WAL").expect("a log");
        writer.execute_batch("CREATE TABLE numbers (n INTEGER)").expect("a table");
        let before = std::fs::metadata(&path).expect("the file").len();
        let mut checkpoints = Checkpoints::of(&writer, &path).expect("taken over");
        for _ in 1..ROWS / 2 {
            writer.execute("INSERT INTO numbers VALUES (1)", []).expect("a commit");
            checkpoints.committed(&writer);
        }
        assert!(!checkpoints.at_work.load(Ordering::Acquire), "too few to fold");
        let many =
            format!("INSERT INTO numbers SELECT 1 FROM numbers UNION ALL VALUES {}", vec!["(1)"; 100].join(", "));
        writer.execute(&many, []).expect("one commit of many rows");
        checkpoints.committed(&writer);
        while checkpoints.at_work.load(Ordering::Acquire) {
            tokio::task::yield_now().await;
        }
        assert!(std::fs::metadata(&path).expect("the file").len() > before, "the pages are in the file now");
        assert_eq!(checkpoints.rows, writer.total_changes(), "counted from here again");
    }

    #[test]
    fn a_reader_keeps_a_log_that_grew_long_from_beginning_anew_and_fails_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("bia.sqlite");
        let writer = Connection::open(&path).expect("a file");
        writer.pragma_update(None, "journal_mode", "WAL").expect("a log");
        writer.pragma_update(None, "wal_autocheckpoint", 0).expect("nobody else folds");
        writer.execute_batch("CREATE TABLE texts (t BLOB)").expect("a table");
        let reader = Connection::open(&path).expect("a file");
        reader.execute_batch("BEGIN; SELECT COUNT(*) FROM texts").expect("a reader");
        writer
            .execute_batch("INSERT INTO texts WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) SELECT zeroblob(4000) FROM n")
            .expect("a long log");
        fold(&path).expect("not waited for");
        let log = || {
            writer.execute("INSERT INTO texts VALUES (NULL)", []).expect("a commit");
            writer.query_row("PRAGMA wal_checkpoint(NOOP)", [], |row| row.get::<_, u32>(1)).expect("its length")
        };
        assert!(log() > 5000, "the reader still reads from it");
        reader.execute_batch("COMMIT").expect("the end");
        fold(&path).expect("nobody is in the way");
        assert!(log() < 100, "the next commit is the first of the log");
    }
}
