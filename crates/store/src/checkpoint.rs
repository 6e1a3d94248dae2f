//! Folds SQLite's write-ahead log into the file, beside the work.
//!
//! SQLite would do it inside the commit that makes the log too long: two waits for the disk and a thousand pages, on a
//! thread of the runtime, while nobody else is served there. So the writer counts, and another connection folds on a
//! thread that may wait. A checkpoint of this kind ("passive") holds nobody up and may leave a rest for the next one.

use rusqlite::{Connection, OpenFlags};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::runtime::Handle;

/// Commits from one fold to the next; each writes some five pages of 4 KiB.
const COMMITS: u32 = 200;

/// Pages in the log at which SQLite folds inside a commit after all, such as in the middle of an import: 32 MiB.
const PAGES_MAX: u32 = 8000;

/// Belongs to the writer of one file.
pub(crate) struct Checkpoints {
    path: PathBuf,
    commits: u32,
    at_work: Arc<AtomicBool>,
}

impl Checkpoints {
    /// Takes over from SQLite what it would do at the commits of `writer`.
    pub(crate) fn of(writer: &Connection, path: &Path) -> Result<Self, rusqlite::Error> {
        writer.pragma_update(None, "wal_autocheckpoint", PAGES_MAX)?;
        Ok(Self { path: path.to_owned(), commits: 0, at_work: Arc::default() })
    }

    /// To be told of each commit.
    pub(crate) fn committed(&mut self) {
        self.commits += 1;
        let Some(runtime) = (self.commits >= COMMITS).then(Handle::try_current).and_then(Result::ok) else { return };
        if self.at_work.swap(true, Ordering::AcqRel) {
            return;
        }
        self.commits = 0;
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
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
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
        for n in 0..COMMITS {
            writer.execute("INSERT INTO numbers VALUES (?1)", [n]).expect("a commit");
            checkpoints.committed();
        }
        while checkpoints.at_work.load(Ordering::Acquire) {
            tokio::task::yield_now().await;
        }
        assert!(std::fs::metadata(&path).expect("the file").len() > before, "the pages are in the file now");
        let count: u32 = writer.query_row("SELECT COUNT(*) FROM numbers", [], |row| row.get(0)).expect("a count");
        assert_eq!(count, COMMITS);
    }
}
